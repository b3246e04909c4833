"""result.read: the rest of an answer that was too large, for its owner only."""

import base64
import codecs
from dataclasses import replace

from tools.dispatch.large_answers import FRAME_CHARS, fitting, selection_from, window_of
from tools.expressions.selection import SelectFault
from tools.heavy_json.weight import is_heavy
from tools.heavy_json.worker import WORKERS
from tools.json_text import decode, encode
from tools.large_json import LargeJson
from tools.operation import Call, Failure, Json, Outcome
from tools.sources.builtin import BuiltinFunction
from tools.stores import ResultStore
from tools.turns import in_turns

ROWS = 100
CHARS = 12_000
_LOOKED_AT_BYTES = 1 << 20

_SCHEMA = {
    "type": "object",
    "properties": {
        "handle": {"type": "string", "minLength": 1, "maxLength": 200},
        "select": {"type": "string"},
        "offset": {"type": "integer", "minimum": 0, "default": 0},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "encoding": {"enum": ["text", "base64"]},
    },
    "required": ["handle"],
    "additionalProperties": False,
}


class ResultRead:
    """Reads windows of kept results; the store answers only the principal that got the handle."""

    def __init__(self, results: ResultStore) -> None:
        self._results = results

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        kept = await self._results.get(call.principal, given["handle"])
        if kept is None:
            return _failed(
                "unknown_handle",
                f"no result '{given['handle'][:60]}' is kept for you; they live for 30 minutes, and your oldest go where there is no room",
                "run the operation again",
            )
        body, media_type = kept
        offset, limit = given.get("offset", 0), given.get("limit")
        if media_type != "application/json":
            most = (
                limit or CHARS if call.options.max_chars is None else min(limit or CHARS, (call.options.max_chars - FRAME_CHARS) * 3 // 4)
            )
            return await _file_window(body, media_type, offset, most, given.get("encoding"))
        data = LargeJson(body) if is_heavy(body) else decode(body)
        notes: tuple[str, ...] = ()
        if "select" in given:
            try:
                data, missed = await selection_from(given["select"], data, call.deadline, call.principal.person)
            except SelectFault as fault:
                return Outcome("error", error=fault.failure)
            notes = tuple(f"select: {miss.told('the answer')}" for miss in missed)
        window = (
            await _large_window(call, data, offset, limit)
            if isinstance(data, LargeJson)
            else _window(data, offset, limit, call.options.max_chars)
        )
        return replace(window, notes=notes) if notes else window

    def function(self) -> BuiltinFunction:
        example = {"handle": "r_4f2c", "select": "results[].{id: id, name: name}", "offset": 100, "limit": 100}
        return BuiltinFunction(slug="result.read", run=self, input_schema=_SCHEMA, scope="mcp", example=example)


async def _large_window(call: Call, data: LargeJson, offset: int, limit: int | None) -> Outcome:
    """Return a part of what is too heavy to be decoded here."""
    max_chars, holder = call.options.max_chars, call.principal.person
    found = await WORKERS.work(window_of, data, offset, limit, ROWS, CHARS, max_chars, holder=holder, deadline=call.deadline)
    if (total := found.facts["total"]) is None:
        return _window(None, offset, limit, max_chars) if offset else _whole(data)
    return _part(found.value, total, offset, offset + found.facts["shown"])


def _window(data: Json, offset: int, limit: int | None, max_chars: int | None) -> Outcome:
    if isinstance(data, list | str):
        size = limit or (ROWS if isinstance(data, list) else CHARS)
        part = data[offset : offset + size]
        return _part(part if max_chars is None else fitting(part, max_chars), len(data), offset)
    if offset:
        return _failed(
            "not_a_list",
            "offset counts rows of a list or characters of a text, and this is an object",
            "select a list of it, like results",
        )
    return _whole(data)


def _whole(data: Json) -> Outcome:
    return _answered({"data": data, "total": 1, "offset": 0, "next_offset": None})


def _answered(part: dict[str, Json]) -> Outcome:
    return Outcome("ok", data=LargeJson(encode(part)) if isinstance(part["data"], LargeJson) else part)


async def _file_window(body: bytes, media_type: str, offset: int, limit: int, encoding: str | None) -> Outcome:
    part = body[offset : offset + limit]
    if encoding != "base64":
        if not await _is_text(body):
            if encoding == "text":
                return _failed("not_text", f"the file ({media_type}) is not UTF-8 text", "read it with encoding base64")
        else:
            # A window may begin or end inside a character; those bytes belong to the window before and after.
            start, end = _on_character(body, offset), _on_character(body, min(offset + limit, len(body)))
            return _part(body[start:end].decode(), len(body), start, end, media_type=media_type, encoding="text")
    return _part(base64.b64encode(part).decode(), len(body), offset, offset + len(part), media_type=media_type, encoding="base64")


async def _is_text(body: bytes) -> bool:
    """Say whether a file is UTF-8, looked at a part at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        async for at in in_turns(range(0, len(body), _LOOKED_AT_BYTES)):
            decoder.decode(body[at : at + _LOOKED_AT_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _on_character(body: bytes, position: int) -> int:
    while position < len(body) and body[position] & 0xC0 == 0x80:
        position += 1
    return min(position, len(body))


def _part(data: Json, total: int, offset: int, end: int | None = None, **facts: str) -> Outcome:
    end = offset + len(data) if end is None else end
    more = end if end < total else None
    return _answered({"data": data, "total": total, "offset": offset, "next_offset": more, **facts})


def _failed(code: str, message: str, hint: str) -> Outcome:
    return Outcome("error", error=Failure(code, message, hint=hint))
