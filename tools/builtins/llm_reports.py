"""llm.models.list, llm.usage.summary, llm.feedback: which models there are, what they came to, what people thought."""

import time
from collections.abc import Callable

from oauth.scopes import MODELS
from oauth.sign_in.person_names import NameOf
from tools.ai_gateway.feedback import Feedback
from tools.ai_gateway.model_request import ModelCaller
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.routing.router import Router
from tools.ai_gateway.stores import ModelCallStore, ModelUsage
from tools.metering.budget_report import left_row
from tools.metering.budgets import Budgets
from tools.metering.money import to_usd
from tools.metering.spending import Spending
from tools.operation import Call, Failure, Json, Outcome
from tools.sources.builtin import BuiltinFunction

READ = "llm:read"
DAYS = 30


class ModelList:
    """Lists what the caller may name as `model`."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, call: Call) -> Outcome:
        principal = call.principal
        names = self._router.models_for(ModelCaller(principal.tenant_id, principal=principal))
        rows = [{"id": name, "kind": "model" if "/" in name else "route"} for name in names]
        return Outcome("ok", data={"models": rows})

    def function(self) -> BuiltinFunction:
        schema = {"type": "object", "properties": {}, "additionalProperties": False}
        return BuiltinFunction("llm.models.list", self, schema, scope=READ, example={})


class UsageSummary:
    """Adds up the tenant's model calls, and says what is left of the budgets that hold the caller's own."""

    def __init__(
        self, store: ModelCallStore, ledger: CallLedger, budgets: Budgets, name_of: NameOf, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._ledger, self._budgets, self._name_of, self._clock = store, ledger, budgets, name_of, clock

    async def __call__(self, call: Call) -> Outcome:
        await self._ledger.flush()
        since_us = int((self._clock() - call.arguments.get("days", DAYS) * 86_400) * 1_000_000)
        rows = await self._store.usage(call.arguments.get("by", "model"), call.principal.tenant_id, since_us)
        principal = call.principal
        held_by = await self._budgets.standing(Spending(principal.tenant_id, user=await self._name_of(principal)))
        data: dict[str, Json] = {
            "cost_usd": to_usd(sum(row.cost_nano_usd for row in rows)),
            "calls": sum(row.calls for row in rows),
            "rows": [_row(row) for row in rows],
            "budgets": [left_row(rule, counter) for rule, counter in held_by],
        }
        return Outcome("ok", data=data)

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "by": {"type": "string", "enum": ["model", "provider", "key", "user", "day"], "default": "model"},
            "days": {"type": "integer", "minimum": 1, "maximum": 366, "default": DAYS},
        }
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return BuiltinFunction("llm.usage.summary", self, schema, scope=READ, example={"by": "model"})


class FeedbackGiven:
    """Keeps what somebody thought of an answer."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        try:
            await self._feedback.give(call.principal.tenant_id, given["response_id"], given["score"], given.get("comment"))
        except ModelCallRefused as refusal:
            return Outcome("error", error=Failure(refusal.code, refusal.message))
        return Outcome("ok", data={"kept": True})

    def function(self) -> BuiltinFunction:
        properties: dict[str, Json] = {
            "response_id": {"type": "string"},
            "score": {"type": "number", "minimum": -1, "maximum": 1},
            "comment": {"type": "string", "maxLength": 2_000},
        }
        schema = {"type": "object", "properties": properties, "required": ["response_id", "score"], "additionalProperties": False}
        return BuiltinFunction("llm.feedback", self, schema, scope=MODELS, example={"response_id": "llm_…", "score": 1})


def _row(row: ModelUsage) -> dict[str, Json]:
    return {
        "of": row.of,
        "calls": row.calls,
        "errors": row.errors,
        "input_tokens": row.input_tokens,
        "cached_input_tokens": row.cached_input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": to_usd(row.cost_nano_usd),
        "unpriced": row.unpriced,
    }


def llm_reports(
    router: Router, store: ModelCallStore, ledger: CallLedger, budgets: Budgets, feedback: Feedback, name_of: NameOf
) -> list[BuiltinFunction]:
    """Return the operations that tell, and the one that judges."""
    usage = UsageSummary(store, ledger, budgets, name_of)
    return [ModelList(router).function(), usage.function(), FeedbackGiven(feedback).function()]
