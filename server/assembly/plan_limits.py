"""What the plans of tenants allow their people: so many calls an hour that go out to other systems."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from oauth.principal import Principal
from oauth.tenants import Tenants
from server.config_versions.config import Config
from server.config_versions.sections.plans import Plans
from server.rate_limits import Limit, RateLimited, RateLimits, SharedArrivals
from tools.operation import Failure, Runner
from tools.sources.metered_runner import Count, MeteredRunner


@dataclass(slots=True)
class PlanLimits:
    """Counts the calls of each person of a tenant with a plan. What an operator says of callers, ASCEND_RATE_LIMIT_SCALE leaves alone."""

    tenants: Tenants
    #: where all nodes count
    shared: SharedArrivals | None = None
    plans: Plans = field(default_factory=Plans)
    counts: RateLimits = field(init=False)
    _runners: list[MeteredRunner] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = RateLimits(limits={}, shared=self.shared)

    def counted(self, metered: Callable[[Runner, Count], MeteredRunner]) -> Callable[[Runner], Runner]:
        """Return what makes a runner of `metered` that counts by plans."""

        def counting(runner: Runner) -> Runner:
            made = metered(runner, self._count)
            self._runners.append(made)
            self.tenants_changed()
            return made

        return counting

    def config_changed(self, config: Config) -> None:
        """Count by these plans from now on; what was used until now counts."""
        self.plans = config.plans
        self.counts.change(_limits(self.plans.in_force))
        self.tenants_changed()

    def tenants_changed(self) -> None:
        """See whether there is anybody to count."""
        is_counting = bool(self.plans.default) or any(tenant.plan for tenant in self.tenants.live.values())
        for runner in self._runners:
            runner.switch(is_counting=is_counting)

    async def _count(self, principal: Principal) -> Failure | None:
        tenant = self.tenants.get(principal.tenant_id)
        plan = self.plans.plan_of(tenant.plan if tenant is not None else "")
        if plan is None:
            return None
        try:
            await self.counts.check(plan, f"{principal.tenant_id}/{principal.subject}")
        except RateLimited as error:
            message = f"the {self.plans.in_force[plan]:,} calls an hour of the plan '{plan}' are used up; nothing was sent"
            hint = "wait, or ask an operator for another plan"
            return Failure("rate_limited", message, retryable=True, retry_after_s=error.retry_after_s, hint=hint, sent=False)
        return None


def _limits(calls_per_hour: Mapping[str, int]) -> Mapping[str, Limit]:
    # An hour's calls may come at once.
    return {plan: Limit(per_minute=hourly / 60, burst=hourly) for plan, hourly in calls_per_hour.items()}
