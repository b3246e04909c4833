"""`GET /v1/models`: what a caller may use, in OpenAI's shape or Anthropic's."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from tools.ai_gateway.model_request import ModelCaller
from tools.ai_gateway.refusals import model_not_found
from tools.ai_gateway.replies import WholeReply

#: when the first version of this product came out; no provider's date is known for all
_CREATED = 1_792_800_000
_CREATED_AT = "2026-10-24T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ModelListing:
    """`models_for` gives the routes and models that a caller may use, in the order in which they are shown."""

    models_for: Callable[[ModelCaller], tuple[str, ...]]

    def answer(self, caller: ModelCaller, wanted: str, *, is_anthropic: bool) -> WholeReply:
        """Return the list, or the one model `wanted`. Raises ModelCallRefused where that is none of the caller's."""
        names = self.models_for(caller)
        if wanted:
            if wanted not in names:
                raise model_not_found(f"{wanted!r} is none of the models that this caller may use; GET /v1/models lists them")
            return WholeReply(200, {}, orjson.dumps(_row(wanted, is_anthropic=is_anthropic)))
        rows = [_row(name, is_anthropic=is_anthropic) for name in names]
        if is_anthropic:
            ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
            return WholeReply(200, {}, orjson.dumps({"data": rows, "has_more": False, **ends}))
        return WholeReply(200, {}, orjson.dumps({"object": "list", "data": rows}))


def _row(name: str, *, is_anthropic: bool) -> dict[str, str | int]:
    if is_anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT}
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": name.partition("/")[0] if "/" in name else "gateway"}
