"""What every dialect asks of a body before anybody spends time on it; all else is the provider's to judge, in its own words."""

from collections.abc import Mapping

from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.refusals import invalid_request
from tools.operation import Json

#: names are kept: in rows, in circuits, in what is known of targets
MAX_MODEL_CHARS = 512
#: surface -> the member that holds the question, what it may be, whether it may be missing
_QUESTIONS: Mapping[Surface, tuple[str, type | tuple[type, ...], str, bool]] = {
    "chat": ("messages", list, "a list of messages", False),
    "messages": ("messages", list, "a list of messages", False),
    "count_tokens": ("messages", list, "a list of messages", False),
    # A stored prompt or conversation may stand in its place.
    "responses": ("input", (str, list), "a text or a list of items", True),
    "embeddings": ("input", (str, list), "a text, or a list of texts", False),
    "rerank": ("documents", list, "a list of documents", False),
}


def check_body(surface: Surface, body: Mapping[str, Json]) -> None:
    """Raise ModelCallRefused (invalid_request) for a member of the wrong kind, or a question that is missing."""
    if not isinstance(body.get("model"), str | None):
        raise invalid_request("model is not a text", "model")
    if len(body.get("model") or "") > MAX_MODEL_CHARS:
        raise invalid_request(f"model has {len(body['model']):,} characters; no name has more than {MAX_MODEL_CHARS}", "model")
    if not isinstance(body.get("stream"), bool | None):
        raise invalid_request("stream is neither true nor false", "stream")
    if (wanted := _QUESTIONS.get(surface)) is None:
        return
    name, kinds, words, may_be_missing = wanted
    if name not in body and may_be_missing:
        return
    if not isinstance(body.get(name), kinds):
        raise invalid_request(f"{name} is not {words}" if name in body else f"{name} is missing; give {words}", name)
