"""Requests, targets and streams for the tests of dialects."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import orjson

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.exchange import MalformedAnswer, StreamReader
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Surface, Wishes
from tools.ai_gateway.routing.decision import ModelTarget

BASES: dict[Dialect, str] = {
    "openai": "https://api.openai.example/v1",
    "anthropic": "https://api.anthropic.example",
    "gemini": "https://gemini.example",
    "bedrock": "https://bedrock.example",
    "workers_ai": "https://cloudflare.example/client/v4/accounts/acc",
}


def provider_of(dialect: Dialect, **more: Any) -> ModelProvider:
    return ModelProvider(**{"name": dialect, "dialect": dialect, "base_url": BASES[dialect], **more})


def target_of(dialect: Dialect, model: str = "there", **more: Any) -> ModelTarget:
    return ModelTarget(provider_of(dialect, **more), model)


def asked(surface: Surface, body: dict[str, Any] | None = None, raw: bytes | None = None, **more: Any) -> ModelRequest:
    written = raw if raw is not None else json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
    read = orjson.loads(written) if written else {}
    return ModelRequest(surface, written, read, ModelCaller("acme"), Wishes(), **more)


def sse(value: Any, name: str = "") -> bytes:
    data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def named(*events: dict[str, Any]) -> list[bytes]:
    """Return events of Anthropic or of responses: their name is their type."""
    return [sse(each, each["type"]) for each in events]


def read_all(reader: StreamReader, data: bytes, cuts: Sequence[int] = ()) -> tuple[bytes, bool]:
    """Feed `data` cut at these places; return all that came out before the terminal mark, and whether it was garbage."""
    out = b""
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    for begin, end in itertools.pairwise(places):
        try:
            out += b"".join(reader.feed(data[begin:end]))
        except MalformedAnswer:
            return out, True
    return out + b"".join(reader.end()), False


def values(stream: bytes) -> list[Any]:
    """Return the JSON of all events of a stream that ends its lines with LF."""
    lines = [line[5:].strip() for line in stream.split(b"\n") if line.startswith(b"data:")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]
