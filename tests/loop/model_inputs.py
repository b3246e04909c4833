"""Model calls that once held the event loop or might: what callers send, and what providers answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from tests.loop.model_upstream import MODEL_ANSWERS

CHAT, MESSAGES, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"
MB = 1 << 20
#: what a caller may send without anybody's waiting for it, and what is taken at the most
SENT = 4 * MB
#: name, path, headers, body
ModelInput = tuple[str, str, Mapping[str, str], Callable[[], bytes]]
#: names of models that there are beside those that answer
MODELS: Mapping[str, Any] = {f"large/model-{number:05}-instruct": {"context": 8_000} for number in range(9_000)}
CLAUDE = ("claudetext", "claudetools", "bearableclaudetools", "claudeinput")
_JSON = {"content-type": "application/json"}


def asked(model: str, *, stream: bool = False) -> bytes:
    return orjson.dumps({"model": model, "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})


def model_inputs(*, with_largest: bool) -> Iterator[ModelInput]:
    """Yield the corpus of model calls; `with_largest`: bodies of up to 31 MB among them."""
    for name, (_status, headers, _body) in MODEL_ANSWERS.items():
        is_stream = headers["Content-Type"] == "text/event-stream"
        if name == "vectors":
            yield "embedded vectors", EMBEDDINGS, _JSON, lambda: b'{"model":"large/vectors","input":["a","b"]}'
            continue
        provider, path, other = ("claude", MESSAGES, CHAT) if name in CLAUDE else ("large", CHAT, MESSAGES)
        yield f"native {name}", path, _JSON, partial(asked, f"{provider}/{name}", stream=is_stream)
        yield f"translated {name}", other, _JSON, partial(asked, f"{provider}/{name}", stream=is_stream)
        if not is_stream:
            yield f"played {name}", path, _JSON, partial(asked, f"{provider}/{name}", stream=True)
    for size, most in (("", SENT), ("the largest ", 31 * MB)) if with_largest else (("", SENT),):
        for name, body in _bodies():
            yield f"{size}native {name}", CHAT, _JSON, partial(_sent, "large/m", "messages", body, most)
            yield f"{size}translated {name}", CHAT, _JSON, partial(_sent, "claude/m", "messages", body, most)
            yield f"{size}responses {name}", RESPONSES, _JSON, partial(_sent, "large/m", "input", body, most)
            yield f"{size}messages {name}", MESSAGES, _JSON, partial(_sent, "claude/m", "messages", body, most)
    yield "many texts", EMBEDDINGS, _JSON, lambda: orjson.dumps({"model": "large/vectors", "input": ["a"] * 40_000})
    yield "long texts", EMBEDDINGS, _JSON, lambda: orjson.dumps({"model": "large/vectors", "input": ["a" * 1_000] * 4_000})
    yield (
        "texts beside much",
        EMBEDDINGS,
        _JSON,
        lambda: orjson.dumps({"model": "large/vectors", "x": "a" * 3 * MB, "input": ["a"] * 9_000}),
    )
    yield "token numbers", EMBEDDINGS, _JSON, lambda: orjson.dumps({"model": "large/vectors", "input": [list(range(40_000))]})
    yield "an unknown model", CHAT, _JSON, partial(asked, "large/modle-0500-instruct")
    yield "an unknown model of no provider", CHAT, _JSON, partial(asked, "lrage/model-00500-instruct")
    yield "a long model", CHAT, _JSON, partial(asked, "m" * 3 * MB)
    yield "a long model of escapes", CHAT, _JSON, partial(asked, "large/" + "\n" * 1_900_000)
    yield "a long model of slashes", CHAT, _JSON, partial(asked, "/" * 3 * MB)
    yield "a long user", CHAT, _JSON, lambda: asked("large/m")[:-1] + b',"user":"' + b"u" * 3 * MB + b'"}'
    yield "a cached question", CHAT, _JSON | {"x-gateway-cache-ttl": "60"}, partial(_sent, "large/m", "messages", _text, SENT)
    yield "a large cached stream", CHAT, _JSON | {"x-gateway-cache-ttl": "60"}, partial(asked, "large/smallevents", stream=True)
    yield "a cached stream", CHAT, _JSON | {"x-gateway-cache-ttl": "60"}, partial(asked, "large/bearableevents", stream=True)
    yield "a held stream", CHAT, _JSON | {"x-gateway-stream": "reliable"}, partial(asked, "large/smallevents", stream=True)
    yield (
        "a question like others",
        CHAT,
        _JSON,
        lambda: orjson.dumps({"model": "alike", "messages": [{"role": "user", "content": "w " * 1_999}]}),
    )
    metadata = "[" * 2_000 + "]" * 2_000
    yield "metadata that nests", CHAT, _JSON | {"x-gateway-metadata": '{"a":' + metadata + "}"}, partial(asked, "large/m")
    yield "feedback", "/v1/feedback", _JSON, lambda: b"[" + b"{}," * 1_300_000 + b"{}]"


def _sent(model: str, name: str, value: Callable[[int], bytes], most: int) -> bytes:
    return b'{"model":"' + model.encode() + b'","max_tokens":9,"' + name.encode() + b'":' + value(most - 100) + b"}"


def _repeated(part: bytes, most: int, start: bytes = b"[", end: bytes = b"]", times: int = 1 << 30) -> bytes:
    return start + b",".join([part] * min(times, most // (len(part) + 1))) + end


def _content(inner: bytes) -> bytes:
    return b'[{"role":"user","content":"' + inner + b'"}]'


def _text(most: int) -> bytes:
    return _content(b"a" * (most - 60))


def _bodies() -> Sequence[tuple[str, Callable[[int], bytes]]]:
    message = b'{"role":"user","content":"x"}'
    image = b'{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}'
    tool = b'{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}'
    return [
        ("text", _text),
        ("text of euros", lambda most: _content("€".encode() * (most // 3 - 60))),
        ("text of faces", lambda most: _content("😀".encode() * (most // 4 - 60))),
        ("text of escapes", lambda most: _content(b"\\n" * (most // 2 - 60))),
        ("text of quotes", lambda most: _content(b'\\"' * (most // 2 - 60))),
        ("text of braces", lambda most: _content(b"{[,:" * (most // 4 - 60))),
        ("text of surrogates", lambda most: _content(b"\\ud800" * (most // 6 - 60))),
        ("text of quotes in digits", lambda most: _content(b"\\u0022" * (most // 6 - 60))),
        ("names of models", lambda most: _content(b'\\"model\\":' * (most // 12))),
        ("messages", lambda most: _repeated(message, most, times=12_000)),
        ("images", lambda most: _repeated(image, most, times=7_000)),
        ("tool calls", lambda most: _repeated(tool, most, times=5_000)),
        ("lists", lambda most: _repeated(b"[]", most)),
        ("numbers", lambda most: _repeated(b"1", most, times=49_000)),
        ("long numbers", lambda most: _repeated(b"9" * 80, most, times=40_000)),
        ("a number", lambda most: b"[" + b"9" * (most - 60) + b"]"),
        ("names twice", lambda most: _repeated(b'"a":"x"', most, b'[{"role":"user",', b"}]", 40_000)),
        ("names", lambda most: b"[{" + b",".join(b'"%07x":1' % number for number in range(40_000)) + b"}]"),
        ("depth", lambda most: b"[" * 20_000 + b"]" * 20_000),
        ("blanks", lambda most: b" " * (most - 120) + b"[" + message + b"]"),
        ("blanks within", lambda most: b"[" + message + b" " * (most - 120) + b"]"),
        ("models deeper", lambda most: _repeated(b'{"role":"user","content":"x","model":"large/m"}', most, times=12_000)),
    ]
