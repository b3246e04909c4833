"""Change members of a JSON object in its bytes: all else stays as it was written, the order of keys and the spelling of numbers too.

A provider's prompt cache and a caller's signature hash what was written; a body that was read and written anew is another one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tools.ai_gateway.refusals import ModelCallRefused, invalid_request
from tools.operation import Json

#: so often a name may stand deeper in a body before the one that counts is found
_MAX_TRIES = 16
#: white space before a name; who writes more of it is asked to write less
_MAX_BLANKS = 256
_COLON = re.compile(rb"\s*+:\s*+")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,}\]]+")
_CLOSING = {0x7B: b"}", 0x5B: b"]"}


def refuse_repeated_names(raw: bytes, body: Json) -> None:
    """Raise ModelCallRefused (`invalid_request`) where an object in `raw`, read as `body`, has a member twice."""
    name = repeated_name(raw, body)
    if name is not None:
        raise invalid_request(f"{name!r} stands twice in one object, and readers differ in which of them counts; send it once", name)


def repeated_name(raw: bytes, body: Json) -> str | None:
    """Return a name that an object of `body` has twice, or None.

    Parsers differ in which of two members counts (RFC 8259 §4): what was allowed and priced here would not be what a provider runs.
    Raises ModelCallRefused (`invalid_request`) for what nests too deeply to be looked through.
    """
    # Of two members with one name a parser keeps one, and writes it with the same quotes, but for those that were spelt in digits.
    if b"\\u0022" not in raw and raw.count(b'"') == _quotes_of(body):
        return None
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except _Repeated as error:
        return str(error)
    except (ValueError, RecursionError) as error:
        # What cannot be looked through may hide one.
        raise too_deep() from error
    return None


def _quotes_of(body: Json) -> int:
    """Return how many quotes JSON of `body` has; -1 where orjson cannot tell (depth, integers beyond 64 bits)."""
    try:
        return orjson.dumps(body).count(b'"')
    except TypeError:
        return -1


def too_deep() -> ModelCallRefused:
    return invalid_request("the body nests too deeply, or holds numbers of thousands of digits")


class _Repeated(ValueError):
    """Its argument is the name."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Repeated(name)
        found[name] = value
    return found


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
    written = orjson.dumps(name)
    for at in _likely_first(raw, written):
        colon = _COLON.match(raw, at + len(written))
        # Before a name stands a brace or a comma; in a text its quote would be escaped.
        if colon is not None and raw[max(0, at - _MAX_BLANKS) : at].rstrip()[-1:] in (b"{", b",") and _is_outer(raw, at):
            return colon.end(), _end(raw, colon.end())
    raise invalid_request(f"{name!r} is not found in the body as it is written; write it plainly, as its first member", name)


def _likely_first(raw: bytes, written: bytes) -> Iterator[int]:
    """First or last: clients write it before the conversation, or after it."""
    first = raw.find(written)
    if first >= 0:
        yield first
    end = len(raw)
    for _ in range(_MAX_TRIES):
        end = raw.rfind(written, first + 1, end)
        if end < 0:
            return
        yield end


def _is_outer(raw: bytes, at: int) -> bool:
    """Say whether the name at `at` is of the outer object: then one brace more makes an object of what stands behind it, or before it."""
    half = b"{" + raw[at:] if at > len(raw) // 2 else raw[:at] + b'"":0}'
    try:
        orjson.loads(half)
    except orjson.JSONDecodeError:
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
            orjson.loads(raw[begin:end])
        except ValueError:
            continue
        return end
    raise invalid_request("stream_options nests too deeply")


def _verify(written: bytes, body: Mapping[str, Json], changes: Mapping[str, Json]) -> None:
    """Read once more what goes out: nothing but what was to change may have changed."""
    try:
        seen = orjson.loads(written)
    except ValueError as error:
        raise _unsure() from error
    wanted = {name: {**_object(body.get(name)), **value} if isinstance(value, Mapping) else value for name, value in changes.items()}
    if seen != {**body, **wanted}:
        raise _unsure()


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _unsure() -> ModelCallRefused:
    return invalid_request("the body cannot be changed in place; write its members plainly")
