"""What a provider of models answers that is malicious, broken or only large; the name of the model says which."""

import gzip
import json
from collections.abc import Callable
from typing import Any

MB = 1 << 20
JSON, EVENTS = "application/json", "text/event-stream"
#: status, headers, and the body for the part of its size that is asked for (1: the whole)
Answer = tuple[int, dict[str, str], Callable[[int], bytes]]
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def many(part: bytes, size: int) -> bytes:
    return b",".join([part] * (size // (len(part) + 1)))


def chat(message: bytes, usage: bytes = json.dumps(USAGE).encode()) -> bytes:
    """Return a whole chat completion around the members of a message."""
    choice = b'{"index":0,"finish_reason":"stop","message":{"role":"assistant",' + message + b"}}"
    return b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[' + choice + b'],"usage":' + usage + b"}"


def claude(content: bytes) -> bytes:
    """Return a whole message around its blocks."""
    start = b'{"id":"m","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","stop_sequence":null,"content":['
    return start + content + b'],"usage":{"input_tokens":3,"output_tokens":4}}'


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    said = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def stream(*events: bytes) -> bytes:
    return b"".join(events) + chunk({}, "stop") + b"data: [DONE]\n\n"


def raw_chunk(members: bytes) -> bytes:
    return b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{' + members + b"}}]}\n\n"


CALL = b'{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}'
TOOL = b'{"type":"tool_use","id":"t","name":"f","input":{"a":1}}'
VECTOR = b'{"object":"embedding","index":0,"embedding":[' + many(b"0.0123456789", 20_000) + b"]}"
PAGE = b"<html><style>" + b"p{}" * 1000 + b"</style><p>"


def whole(body: Callable[[int], bytes]) -> Answer:
    return 200, {"Content-Type": JSON}, body


def events(body: Callable[[int], bytes]) -> Answer:
    return 200, {"Content-Type": EVENTS}, body


MODEL_ANSWERS: dict[str, Answer] = {
    "text": whole(lambda part: chat(b'"content":"' + b"a" * (31 * MB // part) + b'"')),
    "escapes": whole(lambda part: chat(b'"content":"' + b"\\n" * (15 * MB // part) + b'"')),
    "surrogates": whole(lambda part: chat(b'"content":"' + b"\\ud800" * (5 * MB // part) + b'"')),
    "lists": whole(lambda part: chat(b'"content":"x","extra":[' + many(b"[]", 31 * MB // part) + b"]")),
    "calls": whole(lambda part: chat(b'"content":null,"tool_calls":[' + many(CALL, 31 * MB // part) + b"]")),
    "bearablecalls": whole(lambda part: chat(b'"content":null,"tool_calls":[' + many(CALL, 1_000_000 // part) + b"]")),
    "usage": whole(lambda part: chat(b'"content":"x"', b'{"prompt_tokens":1,"x":[' + many(b"{}", 31 * MB // part) + b"]}")),
    "longnumber": whole(lambda part: chat(b'"content":"x"', b'{"prompt_tokens":' + b"9" * (4 * MB // part) + b"}")),
    "deep": whole(lambda part: b"[" * (MB // part) + b"]" * (MB // part)),
    "nojson": whole(lambda part: b"{" * (31 * MB // part)),
    "vectors": whole(lambda part: b'{"object":"list","data":[' + many(VECTOR, 31 * MB // part) + b'],"usage":{"prompt_tokens":9}}'),
    "bomb": (200, {"Content-Type": JSON, "Content-Encoding": "gzip"}, lambda part: gzip.compress(b" " * (200 * MB // part), 1)),
    "bombstream": (
        200,
        {"Content-Type": EVENTS, "Content-Encoding": "gzip"},
        lambda part: gzip.compress(chunk({"content": "a"}) + b":" * (200 * MB // part), 1),
    ),
    "page": (500, {"Content-Type": "text/html"}, lambda part: PAGE * (30 * MB // part // len(PAGE))),
    "openpage": (400, {"Content-Type": "text/html"}, lambda part: b"<script " * (30 * MB // part // 8)),
    "fault": (400, {"Content-Type": JSON}, lambda part: b'{"error":{"message":"' + b"exceeds " * (30 * MB // part // 8) + b'"}}'),
    "faultlists": (400, {"Content-Type": JSON}, lambda part: b'{"error":{"message":"no","x":[' + many(b"[]", 30 * MB // part) + b"]}}"),
    "faultinside": whole(lambda part: b'{"error":{"message":"' + b"exceeds " * (30 * MB // part // 8) + b'"}}'),
    "event1": events(lambda part: stream(chunk({"content": "a"}), *[chunk({"content": "b" * (MB // part)})] * 30)),
    "event15": events(lambda part: stream(chunk({"content": "a"}), raw_chunk(b'"content":"' + b"b" * (15 * MB // part) + b'"'))),
    "eventescapes": events(lambda part: stream(chunk({"content": "a"}), raw_chunk(b'"content":"' + b"\\n" * (7 * MB // part) + b'"'))),
    "eventlists": events(
        lambda part: stream(chunk({"content": "a"}), raw_chunk(b'"content":"a","x":[' + many(b"[]", 15 * MB // part) + b"]"))
    ),
    "eventcalls": events(
        lambda part: stream(chunk({"content": "a"}), raw_chunk(b'"tool_calls":[' + many(b'{"index":0,' + CALL[1:], 15 * MB // part) + b"]"))
    ),
    "bearableevents": events(lambda part: stream(*[chunk({"content": "b" * 200})] * (1_000_000 // part // 320))),
    "smallevents": events(lambda part: stream(*[chunk({"content": "b"})] * (15 * MB // part // 120))),
    "comments": events(lambda part: stream(chunk({"content": "a"}), *[b":\n\n"] * (15 * MB // part // 3))),
    "lines": events(lambda part: stream(chunk({"content": "a"}), b"data: 1\n" * (15 * MB // part // 8))),
    "endless": events(lambda part: chunk({"content": "a"}) + b"data: " + b"x" * (31 * MB // part)),
    "streamfault": events(lambda part: b'data: {"error":{"message":"' + b"exceeds " * (900_000 // part // 8) + b'"}}\n\n'),
    # of Anthropic's dialect
    "claudetext": whole(lambda part: claude(b'{"type":"text","text":"' + b"a" * (31 * MB // part) + b'"}')),
    "claudetools": whole(lambda part: claude(many(TOOL, 31 * MB // part))),
    "bearableclaudetools": whole(lambda part: claude(many(TOOL, 600_000 // part))),
    "claudeinput": whole(
        lambda part: claude(b'{"type":"tool_use","id":"t","name":"f","input":{"a":[' + many(b"{}", 31 * MB // part) + b"]}}")
    ),
}
#: by the path that is asked
RESPONSE = b'{"id":"r","object":"response","status":"completed","model":"m","output":[],"usage":{"input_tokens":1,"output_tokens":1}}'
PLAIN = {"/responses": RESPONSE, "/messages": claude(b'{"type":"text","text":"hello"}'), "/embeddings": b'{"object":"list","data":[]}'}
OTHERWISE = chat(b'"content":"hello"')


def model_answer(path: str, model: str, part: int) -> tuple[int, dict[str, str], bytes]:
    """Return what is answered to a model of this name."""
    status, headers, body = MODEL_ANSWERS.get(model, whole(lambda _part: PLAIN.get(path.removeprefix("/ai/v1"), OTHERWISE)))
    return status, headers, body(part)
