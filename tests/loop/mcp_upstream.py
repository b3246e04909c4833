"""What an MCP server of 2025-11-25 may answer that is heavy; served by `tests.loop.upstream` at /mcp."""

import json
from collections.abc import Callable

MB = 1 << 20


def repeated(part: bytes, size: int) -> bytes:
    """Return a JSON list of one element again and again."""
    return b"[" + b",".join([part] * (size // (len(part) + 1))) + b"]"


def text(words: bytes) -> bytes:
    return b'{"type":"text","text":"' + words + b'"}'


#: tool -> its result, `part` of it
RESULTS: dict[str, Callable[[int], bytes]] = {
    "structured_rows": lambda part: structured(b'{"id":12345,"name":"abcdefgh"}', 30 * MB // part),
    "structured_lists": lambda part: structured(b"[]", 30 * MB // part),
    "bearable_lists": lambda _part: structured(b"[]", 43_000),
    "blocks": lambda part: b'{"content":' + repeated(text(b""), 8 * MB // part) + b"}",
    "bearable_blocks": lambda _part: b'{"content":' + repeated(text(b""), 39_000) + b"}",
    "one_text": lambda part: b'{"content":[' + text(b"a" * (30 * MB // part)) + b"]}",
    "one_file": lambda part: b'{"content":[{"type":"image","mimeType":"image/png","data":"' + b"QUFB" * (7 * MB // part) + b'"}]}',
    "failed": lambda part: b'{"isError":true,"content":[' + text(b"a," * (15 * MB // part)) + b"]}",
    "no_message": lambda part: b"x" * (30 * MB // part),
}
#: tool -> the events before its answer, `part` of them
STREAMS: dict[str, Callable[[int], bytes]] = {
    "comments": lambda part: b":\n\n" * (5 * MB // part),
    "lines_of_data": lambda part: b"data:\n" * (4 * MB // part),
    "notifications": lambda part: (
        b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n' * (MB // 10 // part)
    ),
    "a_heavy_notification": lambda part: (
        b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":'
        + repeated(b"{}", 20 * MB // part)
        + b"}}\n\n"
    ),
}
TOOLS = (*RESULTS, *(f"events_{name}" for name in RESULTS), *STREAMS)


def structured(part: bytes, size: int) -> bytes:
    return b'{"content":[],"structuredContent":{"rows":' + repeated(part, size) + b"}}"


def answered(body: bytes, part: int) -> tuple[int, str, bytes]:
    """Return status, media type and body of the answer to one message."""
    message = json.loads(body)
    if "id" not in message:
        return 202, "application/json", b""
    params, name = message.get("params") or {}, ""
    if message["method"] == "initialize":
        info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "stalls", "version": "1"}}
        result = json.dumps(info).encode()
    elif message["method"] == "tools/list":
        # Many that nobody imports: the list is heavy, whatever it costs to keep them.
        filler = [f"filler_{number}" for number in range(9_000 // part)]
        given = [{"name": tool, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}} for tool in (*TOOLS, *filler)]
        result = json.dumps({"tools": given}).encode()
    elif message["method"] == "tools/call":
        name = params["name"]
        made = RESULTS.get(name.removeprefix("events_"))
        result = b'{"content":[]}' if made is None else made(part)
    else:
        error = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "Method not found"}}
        return 200, "application/json", json.dumps(error).encode()
    whole = b'{"jsonrpc":"2.0","id":' + json.dumps(message["id"]).encode() + b',"result":' + result + b"}"
    if name in STREAMS or name.startswith("events_"):
        before = STREAMS[name](part) if name in STREAMS else b""
        return 200, "text/event-stream", before + b"data: " + whole + b"\n\n"
    return 200, "application/json", whole
