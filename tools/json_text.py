"""Values as JSON text and back: fast, and never at a loss."""

import json
import re
from collections.abc import Callable, Mapping

import orjson

from tools.large_json import LargeJson
from tools.operation import Json

#: every digit is 0, so that a long run of them is found at the speed of memory
_ZEROED = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
#: how many digits integers beyond 64 bits have at the least
_LONG = b"0" * 19
_INTEGER = re.compile(rb"(?<![\d.])-?\d{19,}(?![\d.eE])")
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
#: Python reads no longer one in reasonable time (sys.set_int_max_str_digits)
_MAX_DIGITS = 4_300
_THOUSANDS = b"0" * (_MAX_DIGITS + 1)
#: numbers that may be beyond a double
_LARGE = (b"e000", b"e+000", b"E000", b"E+000", b"0" * 300)


def encode(data: Json) -> bytes:
    """Return `data` as compact JSON; what JSON cannot say (dates from YAML) as text."""
    try:
        return orjson.dumps(data, default=_told, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers beyond 64 bits, lone surrogates, deep nesting: JSON all the same, and an answer must not be lost to them.
        try:
            return json.dumps(data, default=_told_slowly, separators=(",", ":")).encode()
        except RecursionError:
            return json.dumps("an answer that nests too deeply to be shown").encode()


def _told(value: object) -> object:
    return orjson.Fragment(value.text) if isinstance(value, LargeJson) else str(value)


def _told_slowly(value: object) -> Json:
    return json.loads(value.text) if isinstance(value, LargeJson) else str(value)


def decode(body: bytes) -> Json:
    """Return the value of JSON text (RFC 8259), integers of any length exact. Raises ValueError."""
    if not has_long_integer(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            if b"\\u" not in body:
                raise
    # Integers that orjson would make floats of, and lone surrogates, which `encode` writes.
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        return json.loads(text, parse_int=integers_of(text))
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error


def has_long_integer(body: bytes) -> bool:
    """Say whether JSON text holds an integer beyond 64 bits; where in doubt (digits within a text), yes."""
    if _LONG not in body.translate(_ZEROED):
        return False
    return any(len(found[0]) > 21 or not _LEAST <= int(found[0]) <= _MOST for found in _INTEGER.finditer(body))


def integers_of(text: str) -> Callable[[str], int | str] | None:
    """Return what reads the integers of `text`: nothing of our own, which takes ten times as long, where none is of thousands of digits."""
    return integer if _THOUSANDS in _zeroed(text) else None


def has_large_number(text: str) -> bool:
    """Say whether a number in JSON text may be beyond a double."""
    zeroed = _zeroed(text)
    return any(large in zeroed for large in _LARGE)


def _zeroed(text: str) -> bytes:
    return text.encode(errors="surrogatepass").translate(_ZEROED)


def integer(digits: str) -> int | str:
    """Return an integer of JSON; one of thousands of digits stays the text that it is."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def canonical(arguments: Mapping[str, Json]) -> bytes:
    """Return `arguments` as JSON that is equal for equal arguments, whatever the order of their keys."""
    return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
