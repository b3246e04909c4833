"""A heavy message of an MCP server, taken apart: what the SDK has to see of it, and its content as bytes. Runs in a child."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import mcp_types
import orjson
from mcp.shared.inbound import find_invalid_x_mcp_header
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from tools.heavy_json.worker import Told
from tools.json_text import decode, encode
from tools.operation import Download, Json
from tools.sources.mcp.content import Block, data_of, value_of, words_of
from tools.sources.mcp.definitions import UpstreamTool, definition_of
from tools.sources.mcp.failures import bounded
from tools.sources.mcp.limits import MAX_DEFINITION_BYTES, MAX_TOOLS, TOO_LARGE
from tools.sources.mcp.repair import mended

#: of what a result has beside its content
_MAX_MEMBER_BYTES, _MAX_MEMBERS = 4_096, 50
_MAX_WORDS = 4_000
#: files of one result that are kept under handles
MAX_FILES = 500
#: of schemas that the SDK makes headers from
_MAX_HEADER_BYTES = 100_000
_HEADER_KEY = b'"x-mcp-header"'


class _ReadAll:
    """Reads JSON in texts whatever it weighs."""

    async def alone(self, text: str) -> Json:
        return value_of(text)

    def beside(self, text: str) -> Json:
        return value_of(text)


def parts_of(raw: bytes, is_event: bool, version: str, marker: str | None) -> Told:
    """Return the light message that stands for a message, and what it does not say.

    `raw`: the text of a JSON-RPC message, or an event of a stream with it. `marker`: stands for the handle of each file, in order;
    None: files stay in their blocks. Facts: `kind` (result, tools, error, method, other, garbage), `message`, `event_id`; of a result
    `json_bytes`, `files` and `is_file`; of a tool's own no `body`; of a list `lengths`. Value: the result's JSON and its files one
    after the other, or the definitions.
    """
    event_id = None
    if is_event:
        event_id, raw = _event(raw)
    try:
        message = decode(raw)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        return _told("garbage", event_id)
    if "method" in message:
        return _told("method", event_id, method=str(message["method"])[:100])
    error, result = message.get("error"), message.get("result")
    head = {"jsonrpc": "2.0", "id": _short(message.get("id"))}
    if isinstance(error, dict):
        said = {"code": _short(error.get("code")), "message": str(error.get("message", ""))[:_MAX_WORDS]}
        return _told("error", event_id, message={**head, "error": said})
    if not isinstance(result, dict):
        return _told("garbage", event_id)
    rest = dict(_light_members(result))
    if isinstance(result.get("tools"), list):
        return _list(result, head, rest, version, event_id)
    if "content" in result or "structuredContent" in result:
        return _result(result, head, rest, marker, event_id)
    return _told("other", event_id)


def _told(kind: str, event_id: str | None, value: bytes | None = None, **facts: Any) -> Told:
    return Told({"kind": kind, "event_id": event_id, **facts}, value)


def _result(result: Mapping[str, Any], head: Mapping[str, Any], rest: dict[str, Any], marker: str | None, event_id: str | None) -> Told:
    blocks = result.get("content", [])
    if not isinstance(blocks, list) or not all(map(_is_block, blocks)):
        # The SDK says of it what it says of any such result.
        return _told("error", event_id, message={**head, "result": {**rest, "content": None}})
    structured = result.get("structuredContent")
    if result.get("isError"):
        words = [{"type": "text", "text": words_of(blocks)[:_MAX_WORDS]}]
        message = {**head, "result": {**rest, "content": words}}
        return _told("error", event_id, message=message, body=bounded(blocks if structured is None else structured))
    files: list[Download] = []

    async def keep(file: Download) -> str:
        files.append(file)
        return str(marker)

    async def as_it_is(body: bytes) -> bytes:
        return body

    keeps = marker is not None and len(blocks) <= MAX_FILES
    shown: list[Block] = [{name: value for name, value in block.items() if value is not None} for block in blocks]
    data = asyncio.run(data_of(_ReadAll(), shown, structured, as_it_is, keep if keeps else None))
    if is_file := isinstance(data, Download):
        files, data = [data], None
    text = encode(data)
    return _told(
        "result",
        event_id,
        b"".join((text, *(file.body for file in files))),
        message={**head, "result": {**rest, "content": []}},
        json_bytes=len(text),
        is_file=is_file,
        files=[{"bytes": len(file.body), "media_type": file.media_type[:200], "filename": (file.filename or "")[:500]} for file in files],
    )


def _list(result: Mapping[str, Any], head: Mapping[str, Any], rest: dict[str, Any], version: str, event_id: str | None) -> Told:
    texts: dict[str, bytes] = {}
    light: list[Json] = []
    light_bytes = 0
    for given in mended(result, version)["tools"]:
        try:
            tool = mcp_types.Tool.model_validate(given)
            definition = definition_of(tool)
        except (ValidationError, TypeError):
            continue  # What a number is that no column holds; what is no tool was marked before.
        if definition.name in texts:
            continue
        text = orjson.dumps(definition.as_json(), default=str)
        if _HEADER_KEY in text and version in MODERN_PROTOCOL_VERSIONS:
            # From these schemas the SDK knows which headers go with a call (MCP 2026-07-28, x-mcp-header).
            if find_invalid_x_mcp_header(tool.input_schema) is not None:
                continue
            if (light_bytes := light_bytes + len(text)) <= _MAX_HEADER_BYTES:
                light.append({"name": tool.name, "inputSchema": tool.input_schema})
        if definition.size_bytes > MAX_DEFINITION_BYTES:
            text = orjson.dumps(UpstreamTool(definition.name[:400], "", TOO_LARGE, {}, None).as_json())
        texts[definition.name] = text
        if len(texts) > MAX_TOOLS:
            break
    message = {**head, "result": {**rest, "tools": light}}
    return _told("tools", event_id, b"".join(texts.values()), message=message, lengths=[len(text) for text in texts.values()])


def _is_block(block: object) -> bool:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        return False
    return block["type"] != "text" or isinstance(block.get("text"), str)


def _light_members(result: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Yield what a result has beside its content, as far as it is short."""
    for name, member in list(result.items())[:_MAX_MEMBERS]:
        if name not in ("content", "structuredContent", "tools") and len(name) <= 200 and len(encode(member)) <= _MAX_MEMBER_BYTES:
            yield name, member


def _short(value: Json) -> Json:
    return value[:200] if isinstance(value, str) else value if isinstance(value, int) else None


def _event(raw: bytes) -> tuple[str | None, bytes]:
    """Return the id and the data of an event (WHATWG HTML §9.2.6)."""
    event_id, kind, data = None, b"message", []
    for line in raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value or b"message"
        elif name == b"id" and b"\0" not in value and len(value) <= 1_000:
            event_id = value.decode(errors="replace")
    return event_id, b"\n".join(data) if kind == b"message" else b""
