"""Plans of 2025-11-25 clients that wait for an account: error -32042 carries no state, so the same plan sent again is recognized."""

import hashlib
import time
from collections.abc import Callable, Mapping

import orjson

from oauth.principal import Principal
from tools.operation import Json

TTL_S = 900
#: of one tenant; beyond it, its oldest goes
MAX_PLANS = 100


class PendingPlans:
    """Who sent which plan -> the handle that runs the rest of it; once, and in this process.

    On another node the plan begins anew: its reads are read again, its writes are answered from their record.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._resume_by_plan: dict[tuple[str, str], tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._resume_by_plan)

    def wait(self, principal: Principal, tool: str, arguments: Mapping[str, Json], resume: str) -> None:
        """Remember how to go on when the same call comes again."""
        now = self._clock()
        alive = {plan: known for plan, known in self._resume_by_plan.items() if known[1] > now}
        own = [plan for plan in alive if plan[0] == principal.tenant_id]
        for oldest in own[: max(0, len(own) - MAX_PLANS + 1)]:
            del alive[oldest]
        self._resume_by_plan = alive | {_name(principal, tool, arguments): (resume, now + TTL_S)}

    def resume(self, principal: Principal, tool: str, arguments: Mapping[str, Json]) -> str | None:
        """Return the handle for this call, once."""
        resume, until = self._resume_by_plan.pop(_name(principal, tool, arguments), (None, 0.0))
        return resume if until > self._clock() else None


def _name(principal: Principal, tool: str, arguments: Mapping[str, Json]) -> tuple[str, str]:
    who = [principal.subject, principal.client_id, tool, arguments]
    digest = hashlib.sha256(orjson.dumps(who, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()
    return principal.tenant_id, digest
