"""`usage`, `budgets`, `experiments`: what was used, what is left, what is tried out."""

import time
from dataclasses import dataclass, replace
from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import Response

from server.admin.answers import page, picture, thing
from server.admin.asked import administrator_of, json_of, part_of, raw_body, since_us
from server.admin.refusals import invalid, not_found
from server.admin.usage_chart import usage_chart
from server.storage.ai_gateway.experiment_calls import SqlExperimentCalls
from tools.ai_gateway.caller_keys import CallerKeyStore
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.config import Experiment
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.configuration.versions import AiConfigStore
from tools.ai_gateway.experiments.report import experiment_json, report_json
from tools.ai_gateway.feedback import FeedbackStore
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.records.usage_row import usage_row
from tools.ai_gateway.shadows.comparison import ComparisonStore, shadow_json
from tools.ai_gateway.stores import ModelCallStore, UsageBy
from tools.metering.budget_report import OwnBudget, budget_rows
from tools.metering.rules import BudgetRule
from tools.metering.stores import BudgetStore
from tools.operation import Json

DAY_US = 86_400_000_000
USAGE_DAYS = 30
REPORT_DAYS = 7


@dataclass(frozen=True, slots=True)
class ReportsEndpoint:
    configs: AiConfigStore
    live: LiveConfig
    calls: ModelCallStore
    ledger: CallLedger
    budget_store: BudgetStore
    keys: CallerKeyStore
    experiment_calls: SqlExperimentCalls
    feedback: FeedbackStore
    comparisons: ComparisonStore

    async def usage(self, request: Request) -> Response:
        """GET `?by=model|provider|key|user|day&since=&tenant=`: the dearest first, days the newest first; `format=svg`: a picture."""
        reach = administrator_of(request).reach(request.query_params.get("tenant"))
        by = request.query_params.get("by", "model")
        if by not in get_args(UsageBy):
            raise invalid(f"by: give one of {', '.join(get_args(UsageBy))}")
        wanted = request.query_params.get("format", "json")
        if wanted not in ("json", "svg"):
            raise invalid("format: give json or svg")
        since = since_us(request, _now_us() - USAGE_DAYS * DAY_US)
        await self.ledger.flush()
        found = await self.calls.usage(cast("UsageBy", by), reach, since)
        if wanted == "svg":
            return picture(usage_chart(cast("UsageBy", by), found))
        return page(*part_of(request, [usage_row(cast("UsageBy", by), each) for each in found], by))

    async def budgets(self, request: Request) -> Response:
        """GET the budgets of the configuration and of callers' keys, in their present windows."""
        reach = administrator_of(request).reach(request.query_params.get("tenant"))
        now_us = _now_us()
        await self.ledger.flush()
        rules, counters = self.live.current.budgets, await self.budget_store.counters(now_us)
        keys = sorted((key for _, key in await self.keys.load()), key=lambda key: -key.created_at_us)
        own = [OwnBudget(key.budget, key.key_id) for key in keys if key.budget and reach in (None, key.tenant_id)]
        if reach is not None:
            rules, counters = _rules_of(rules, reach), [each for each in counters if each.charge.tenant_id == reach]
        return page(*part_of(request, budget_rows(rules, own, counters, now_us), "name", "tenant", "whose"))

    async def experiments(self, request: Request) -> Response:
        """GET all, the operator's alone."""
        administrator_of(request).must_reach_gateway("what is tried out")
        return page(*part_of(request, [experiment_json(each) for each in self.live.current.experiments.values()], "name"))

    async def change_experiment(self, request: Request) -> Response:
        """PATCH `{state: "held"}`: everybody is control's. `{state: "running"}`: it goes on. `{share: {ARM: 0…1}}`: who gets an arm."""
        administrator = administrator_of(request)
        administrator.must_reach_gateway("what is tried out")
        name = self._experiment(request).name
        asked = json_of(await raw_body(request))
        shares = asked.get("share")
        if asked == {"state": "held"}:
            await self.configs.hold(name, "by hand", administrator.by)
        elif asked == {"state": "running"}:
            await self.configs.resume(name)
        elif len(asked) == 1 and isinstance(shares, dict) and shares and all(map(_is_share, shares.values())):
            await ConfigChanges(self.configs).set_shares(name, shares, administrator.by)
        else:
            raise invalid('give {"state": "held"}, {"state": "running"} or {"share": {ARM: a number from 0 to 1}}')
        await self.live.load()
        return thing(experiment_json(self.live.current.experiments[name]))

    async def experiment(self, request: Request) -> Response:
        """GET one, with its arms side by side over the last week."""
        administrator_of(request).must_reach_gateway("what is tried out")
        experiment = self._experiment(request)
        name = experiment.name
        await self.ledger.flush()
        since = _now_us() - REPORT_DAYS * DAY_US
        calls, scored = await self.experiment_calls.recent(name, since), await self.feedback.by_experiment(name, since)
        shown = experiment_json(experiment) | {"report": report_json(experiment, calls, scored)}
        if experiment.shadow:
            shown["compared"] = shadow_json(await self.comparisons.figures(name, since))
        return thing(shown)

    def _experiment(self, request: Request) -> Experiment:
        name = request.path_params["id"]
        experiment = self.live.current.experiments.get(name)
        if experiment is None:
            raise not_found(f"no experiment {name!r}", "GET /admin/api/ai/experiments lists them")
        return experiment


def _is_share(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _rules_of(rules: tuple[BudgetRule, ...], tenant_id: str) -> tuple[BudgetRule, ...]:
    """Return the budgets that count one tenant alone; what several share shows what the others spend."""
    return tuple(replace(rule, of=replace(rule.of, tenant=tenant_id)) for rule in rules if rule.of.tenant in ("*", tenant_id))


def _now_us() -> int:
    return time.time_ns() // 1_000
