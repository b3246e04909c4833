"""One small question in a provider's own dialect: what its own API is asked when an operator wants to know whether it answers."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.routing.decision import ModelTarget
from tools.operation import Json

#: short answers cost little, and nothing is learnt from a long one
QUESTION = "Reply with the one word: ready"


@dataclass(frozen=True, slots=True)
class Probe:
    """`path` comes behind the provider's base URL, without a slash before it."""

    path: str
    body: bytes


def chat_probe(model: str) -> Mapping[str, Json]:
    """Return the question as chat completions have it."""
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}]}


def native_probe(target: ModelTarget) -> Probe:
    """Return the question as a target's own API takes it. Raises ModelCallRefused where it cannot be said there."""
    body = chat_probe(target.model)
    request = ModelRequest("chat", orjson.dumps(body), body, ModelCaller(""), Wishes())
    sent = exchange_of("chat", target.provider).request(request, target, None)
    return Probe(sent.path.removeprefix("/"), sent.body)
