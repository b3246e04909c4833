"""context_assert, context_retract, context_forget: what somebody says, takes back, and wants gone."""

from collections.abc import Awaitable, Callable, Mapping

from oauth.principal import Principal
from tools.context_plane.assertion import context_assert
from tools.context_plane.forgetting.forgetting import Forgetting
from tools.context_plane.retraction import context_retract
from tools.context_plane.stores import ContextStore
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

WRITE, DESTRUCTIVE = "context:write", "context:destructive"
#: said before anybody agrees to it
AFTERWARDS = "It cannot be undone. An entity is forgotten by everybody: what others keep in private about it goes too, without being shown"
#: what the plane reads itself, all faults at once, is only sketched here
ENTITY: Mapping[str, Json] = {"type": ["string", "object"]}
_TIME: Mapping[str, Json] = {"type": ["string", "null"]}
_FACT: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "subject": ENTITY,
        "predicate": {"type": "string"},
        "value": {"type": ["string", "number", "boolean", "object"]},
        "valid_from": _TIME,
        "valid_to": _TIME,
        "confidence": {"type": ["number", "null"]},
    },
}
_EPISODE: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        name: {"type": ["string", "null"]} for name in ("source", "source_id", "kind", "occurred_at", "author", "url", "content")
    },
}


class FactChanges:
    """Changes what is known for the caller's tenant, and has this process's index follow at once."""

    def __init__(self, store: ContextStore, follow: Callable[[str], Awaitable[None]], forgetting: Forgetting) -> None:
        self._store, self._follow, self._forgetting = store, follow, forgetting

    async def assert_facts(self, call: Call) -> Outcome:
        return await self._changed(call.principal, await context_assert(self._store, call.principal, call.arguments))

    async def retract(self, call: Call) -> Outcome:
        return await self._changed(call.principal, await context_retract(self._store, call.principal, call.arguments))

    async def forget(self, call: Call) -> Outcome:
        return Outcome("ok", data=await self._forgetting(call.principal, call.arguments))

    async def _changed(self, principal: Principal, data: Mapping[str, Json]) -> Outcome:
        await self._follow(principal.tenant_id)
        return Outcome("ok", data=dict(data))

    def functions(self) -> list[BuiltinFunction]:
        text = {"type": "string", "maxLength": 300}
        return [
            BuiltinFunction(
                "context_assert",
                self.assert_facts,
                _object(
                    {
                        "facts": {"type": "array", "items": _FACT},
                        "episode": _EPISODE,
                        "private": {"type": "boolean"},
                        "predicates": {"type": "object", "additionalProperties": {"enum": ["one", "many"]}},
                    },
                    "facts",
                ),
                scope=WRITE,
                example={
                    "facts": [{"subject": "Kahuna", "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-03-01"}],
                    "episode": {"source": "call", "source_id": "call-42", "occurred_at": "2026-03-02T10:00:00Z"},
                },
            ),
            BuiltinFunction(
                "context_retract",
                self.retract,
                _object({"fact_id": text, "at": _TIME, "reason": {"type": "string", "maxLength": 2_000}}, "fact_id"),
                scope=WRITE,
                example={"fact_id": "fct_1k9qz", "at": "2026-03-01", "reason": "she left the company"},
            ),
            BuiltinFunction(
                "context_forget",
                self.forget,
                _object(
                    {
                        "entity": ENTITY,
                        **dict.fromkeys(("episode", "source", "document", "audience"), text),
                        "documents": {"type": "boolean"},
                        "dry_run": {"type": "boolean"},
                    }
                ),
                scope=DESTRUCTIVE,
                only_looks="dry_run",
                afterwards=AFTERWARDS,
                timeout_s=120.0,
                example={"entity": "ent_1k9qz", "dry_run": True},
            ),
        ]


def _object(properties: Mapping[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}
