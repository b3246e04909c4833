"""Change members of a JSON object in its bytes: all else stays as it was written, the order of keys and the spelling of numbers too.

A provider's prompt cache and a caller's signature hash what was written; a body that was read and written anew is another one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tools.ai_gateway.refusals import ModelCallRefused, invalid_request
from tools.json_text import decode
from tools.operation import Json

#: so often a name may stand deeper in a body before the one that counts is found
_MAX_TRIES = 16
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,}\]]+")
_CLOSING = {0x7B: b"}", 0x5B: b"]"}


def read_body(raw: bytes) -> dict[str, Json]:
    """Return the object that a body is. Raises ModelCallRefused (`invalid_request`): no JSON, no object, a member twice."""
    if b"\0" in raw[:4]:
        raise invalid_request("the body is no JSON in UTF-8 (RFC 8259 §8.1)")
    try:
        body = decode(raw)
    except ValueError as error:
        raise invalid_request(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise invalid_request("the body is no JSON object")
    refuse_repeated_names(raw, body)
    return body


def refuse_repeated_names(raw: bytes, body: Json) -> None:
    """Raise ModelCallRefused (`invalid_request`) where an object in `raw`, read as `body`, has a member twice."""
    name = repeated_name(raw, body)
    if name is not None:
        raise invalid_request(f"{name!r} stands twice in one object, and readers differ in which of them counts; send it once", name)


def repeated_name(raw: bytes, body: Json) -> str | None:
    """Return a name that an object of `body` has twice, or None.

    Parsers differ in which of two members counts (RFC 8259 §4): what was allowed and priced here would not be what a provider runs.
    """
    # What could be a member's colon against the members that the parser found: equal counts are a proof, and clear most bodies. In a text
    # a quote is escaped, and a colon behind one is none; behind an escaped backslash it may be one.
    flat = raw.translate(_BLANKS)
    if b'\\\\":' not in flat and flat.count(b'":') - flat.count(b'\\":') + flat.count(b" :") == _members(body):
        return None
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except _Repeated as error:
        return str(error)
    except RecursionError:
        return None  # orjson has read it; no dialect nests so deeply.
    return None


_BLANKS = bytes.maketrans(b"\t\n\r", b"   ")


class _Repeated(ValueError):
    """Its argument is the name."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Repeated(name)
        found[name] = value
    return found


def _members(value: Json) -> int:
    count, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if type(part) is dict:
            count += len(part)
            waiting.extend(part.values())
        elif type(part) is list:
            waiting.extend(part)
    return count


def with_members(raw: bytes, body: Mapping[str, Json], changes: Mapping[str, Json]) -> bytes:
    """Return `raw` with members of the outer object set to `changes`, a mapping among them member by member; what is equal stays.

    `body` is `raw` as it was read. Raises ModelCallRefused (`invalid_request`) where a member cannot be found in the bytes.
    """
    written = raw
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(inner := body.get(name), dict):
            if any(inner.get(each) != value[each] for each in value):
                begin, end = _place(written, name)
                written = written[:begin] + with_members(written[begin:end], inner, value) + written[end:]
        elif name not in body:
            written = _added(written, name, value, bool(body) or written is not raw)
        elif body[name] != value or type(body[name]) is not type(value):
            begin, end = _place(written, name)
            written = written[:begin] + orjson.dumps(value) + written[end:]
    if written is not raw:
        _verify(written, body, changes)
    return written


def _added(raw: bytes, name: str, value: Json, has_others: bool) -> bytes:
    end = raw.rindex(b"}")
    return raw[:end] + (b"," if has_others else b"") + orjson.dumps(name) + b":" + orjson.dumps(value) + raw[end:]


def _place(raw: bytes, name: str) -> tuple[int, int]:
    """Return where the value of a member of the outer object begins and ends."""
    # Before a name stands a brace or a comma; in a text its quote would be escaped.
    found = [(match.start(1), match.end()) for match in re.finditer(rb"[{,]\s*+(%s)\s*+:\s*+" % re.escape(orjson.dumps(name)), raw)]
    for at, begin in _likely_first(found):
        if _is_outer(raw, at):
            return begin, _end(raw, begin)
    raise invalid_request(f"{name!r} is not found in the body as it is written; write it plainly, as its first member", name)


def _likely_first(found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First or last: clients write it before the conversation, or after it."""
    yield from found[:1]
    yield from found[:-_MAX_TRIES:-1] if len(found) >= _MAX_TRIES else found[:0:-1]


def _is_outer(raw: bytes, at: int) -> bool:
    """Say whether the name at `at` is of the outer object: then one brace more makes an object of what stands behind it, or before it."""
    half = b"{" + raw[at:] if at > len(raw) // 2 else raw[:at] + b'"":0}'
    try:
        decode(half)
    except ValueError:
        return False
    return True


def _end(raw: bytes, begin: int) -> int:
    closing = _CLOSING.get(raw[begin])
    if closing is None:
        match = (_STRING if raw[begin] == 0x22 else _SCALAR).match(raw, begin)
        assert match is not None
        return match.end()
    end = begin
    for _ in range(_MAX_TRIES):
        end = raw.index(closing, end) + 1
        try:
            decode(raw[begin:end])
        except ValueError:
            continue
        return end
    raise invalid_request("stream_options nests too deeply")


def _verify(written: bytes, body: Mapping[str, Json], changes: Mapping[str, Json]) -> None:
    """Read once more what goes out: nothing but what was to change may have changed."""
    try:
        seen = decode(written)
    except ValueError as error:
        raise _unsure() from error
    wanted = {name: {**_object(body.get(name)), **value} if isinstance(value, Mapping) else value for name, value in changes.items()}
    if seen != {**body, **wanted}:
        raise _unsure()


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _unsure() -> ModelCallRefused:
    return invalid_request("the body cannot be changed in place; write its members plainly")
