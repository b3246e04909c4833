"""What makes two requests the same question: everything that may change the answer, and nothing else."""

import hashlib

import orjson

from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import Decision
from tools.operation import Json

#: they say who asks, how it is sent and how it is billed, never what
_WITHOUT_EFFECT = frozenset({"model", "user", "stream", "stream_options", "metadata", "store", "prompt_cache_key", "safety_identifier"})
MAX_SEMANTIC_MESSAGES = 3
_MESSAGES = ("messages", "input")


def answer_key(request: ModelRequest, decision: Decision) -> bytes:
    """Return the key of an exact answer: never the same for two tenants, two routes or models, or two arms of an experiment."""
    if request.wishes.cache_key:
        # The caller says what is the same; it stays within its tenant and model all the same.
        said: Json = ["key", request.wishes.cache_key]
    else:
        said = {name: value for name, value in request.body.items() if name not in _WITHOUT_EFFECT}
    return _digest(_place(request, decision), said)


def question_of(request: ModelRequest, decision: Decision) -> tuple[bytes, str] | None:
    """Return what a similar question must share, and the question itself; None where only the very same will do.

    AI gateway contract, `semantic`: never with tools or over 3 messages, and never where the question is more than a text.
    """
    body = request.body
    if body.get("tools") or body.get("functions") or request.wishes.cache_key:
        return None
    name = next((each for each in _MESSAGES if each in body), "")
    messages = body.get(name)
    if isinstance(messages, str):
        return _digest(_place(request, decision), _others(body, name)), messages
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_SEMANTIC_MESSAGES or not isinstance(messages[-1], dict):
        return None
    text = messages[-1].get("content")
    if messages[-1].get("role") != "user" or not isinstance(text, str) or not text.strip():
        return None
    return _digest(_place(request, decision), [messages[:-1], _others(body, name)]), text


def texts_place(request: ModelRequest, decision: Decision) -> bytes:
    """Return what all texts of a request to embed have in common; behind a route also its models: vectors of two do not mix."""
    models = sorted({target.model for target in decision.targets}) if decision.route else []
    return _digest([*_place(request, decision), *models], _others(request.body, "input"))


def text_key(place: bytes, text: str) -> bytes:
    """Return the key of one embedded text. Raises UnicodeEncodeError for half a character."""
    return hashlib.sha256(place + text.encode()).digest()


def _others(body: object, name: str) -> Json:
    assert isinstance(body, dict)
    return {each: value for each, value in body.items() if each != name and each not in _WITHOUT_EFFECT}


def _place(request: ModelRequest, decision: Decision) -> list[str]:
    models = [] if decision.route else [target.name for target in decision.targets]
    return [request.caller.tenant_id, request.surface, request.native_path, decision.route, decision.experiment, *models]


def _digest(place: list[str], said: Json) -> bytes:
    return hashlib.sha256(orjson.dumps([place, said], option=orjson.OPT_SORT_KEYS)).digest()
