"""context_assert: what somebody says."""

from collections.abc import Awaitable, Callable, Mapping

from oauth.principal import Principal
from tools.context_plane.assertion import context_assert
from tools.context_plane.stores import ContextStore
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

WRITE = "context:write"
#: what the plane reads itself, all faults at once, is only sketched here
_ENTITY: Mapping[str, Json] = {"type": ["string", "object"]}
_TIME: Mapping[str, Json] = {"type": ["string", "null"]}
_FACT: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "subject": _ENTITY,
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

    def __init__(self, store: ContextStore, follow: Callable[[str], Awaitable[None]]) -> None:
        self._store, self._follow = store, follow

    async def assert_facts(self, call: Call) -> Outcome:
        return await self._changed(call.principal, await context_assert(self._store, call.principal, call.arguments))

    async def _changed(self, principal: Principal, data: Mapping[str, Json]) -> Outcome:
        await self._follow(principal.tenant_id)
        return Outcome("ok", data=dict(data))

    def functions(self) -> list[BuiltinFunction]:
        return [
            BuiltinFunction(
                "context_assert",
                self.assert_facts,
                _object({"facts": {"type": "array", "items": _FACT}, "episode": _EPISODE, "private": {"type": "boolean"}}, "facts"),
                scope=WRITE,
                example={
                    "facts": [{"subject": "Kahuna", "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-03-01"}],
                    "episode": {"source": "call", "source_id": "call-42", "occurred_at": "2026-03-02T10:00:00Z"},
                },
            ),
        ]


def _object(properties: Mapping[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}
