"""context_proposals, context_link: who may be one with whom, and what somebody decides about it."""

from collections.abc import Awaitable, Callable, Mapping

from tools.builtins.context.context_changes import ENTITY, WRITE
from tools.builtins.context.context_questions import READ
from tools.context_plane.identity.decisions import context_link
from tools.context_plane.identity.listing import LIMIT, MOST, ProposalList
from tools.context_plane.retrieval.shown_fact import DATA_NOT_INSTRUCTIONS
from tools.context_plane.stores import ContextStore
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction


class IdentityOperations:
    """Lists proposals, and decides; this process's index follows at once."""

    def __init__(self, store: ContextStore, proposals: ProposalList, follow: Callable[[str], Awaitable[None]]) -> None:
        self._store, self._proposals, self._follow = store, proposals, follow

    async def list_proposals(self, call: Call) -> Outcome:
        found = await self._proposals(call.principal, call.arguments)
        return Outcome("ok", data=found.plain(), note=DATA_NOT_INSTRUCTIONS if found.shown else None)

    async def link(self, call: Call) -> Outcome:
        data = await context_link(self._store, call.principal, call.arguments)
        await self._follow(call.principal.tenant_id)
        return Outcome("ok", data=data)

    def functions(self) -> list[BuiltinFunction]:
        listed: Mapping[str, Json] = {
            "entity": ENTITY,
            "decided": {"type": "boolean"},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
        }
        decided: Mapping[str, Json] = {"entity": ENTITY, "other": ENTITY, "decision": {"enum": ["same", "different", "undo"]}}
        return [
            BuiltinFunction(
                "context_proposals",
                self.list_proposals,
                {"type": "object", "properties": dict(listed), "additionalProperties": False},
                scope=READ,
                example={"entity": "Kahuna"},
            ),
            BuiltinFunction(
                "context_link",
                self.link,
                {"type": "object", "properties": dict(decided), "required": list(decided), "additionalProperties": False},
                scope=WRITE,
                example={"entity": "ent_1k9qz", "other": "ent_4m2xa", "decision": "same"},
            ),
        ]
