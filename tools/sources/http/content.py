"""The content of an upstream's answer: bytes, media type and what the document declares -> data (RFC 9110 §6.4, RFC 8259)."""

import json
import re
from collections.abc import Mapping

import orjson

from tools.json_text import has_large_number, has_long_integer, integers_of
from tools.operation import Json
from tools.text.charsets import codec_of, decoded, mark_of, wide_codec_of
from tools.value_objects import value_object
from tools.weighed_cache import cached_if_short

#: what some servers write before JSON, so that no page can load it as a script
_GUARD = re.compile(r"(?:\)\]\}'?,?|while\s?\(1\);|for\s?\(;;\);|\{\}&&)\s*")
#: what may stand around JSON beside its own white space: some servers end with a zero
_AROUND = " \t\r\n\x00\ufeff"
_LINES = frozenset({"x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "json-seq", "stream+json"})
_SCRIPTS = frozenset({"application/javascript", "text/javascript", "application/x-javascript"})
#: single-byte charsets, whose every byte is a character: nothing in the bytes shows that they are meant
_ONE_BYTE = ("latin_1", "iso8859", "cp125", "koi8", "mac_")
_WIDE = ("utf_16", "utf_32")
_NOT_FINITE = "NaN and Infinity are no JSON; they are null here"
_TYPE_NAMES: Mapping[type, tuple[str, ...]] = {
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    type(None): ("null",),
}
_RECORD_SEPARATOR = "\x1e"


class MalformedContent(Exception):
    """A body that says it is JSON and is not; the message says where it stops being JSON."""


@value_object
class Content:
    """What a body holds. `is_file`: it is neither JSON nor text, and `data` is None."""

    data: Json
    note: str | None = None
    is_file: bool = False


_FILE = Content(None, is_file=True)


def read_content(body: bytes, media_type: str, output_schema: Mapping[str, Json] | None, *, asks_json: bool) -> Content:
    """Return what `body`, which is not empty, holds under a type that is not JSON's. `asks_json`: JSON was asked for first.

    JSON is read all the same where it was asked for; what only looks like it stays as it is.
    """
    bare = bare_type(media_type)
    subtype = bare.rpartition("/")[2]
    if subtype in _LINES or subtype.endswith("+json-seq"):
        text, note = text_of(body, media_type)
        values = _values_of(text)
        return Content(text, note) if values is None else Content(values, note)
    if (asks_json or not bare or bare in _SCRIPTS) and _may_be_json(body):
        try:
            found = read_json(body, media_type)
        except MalformedContent:
            found = None
        is_blank = found is not None and found.data is None and not bare
        if found is not None and (isinstance(found.data, dict | list) or is_blank or _admits(output_schema, found.data)):
            return found
    if is_text(bare):
        return Content(*text_of(body, media_type))
    return _FILE


def read_json(body: bytes, media_type: str) -> Content:
    """Return the value of JSON text: with or without a byte order mark, in any charset, `null` where it is blank.

    Raises MalformedContent.
    """
    codec = _json_codec_of(media_type)
    if codec == "utf_8" and not has_long_integer(body):
        try:
            return Content(orjson.loads(body))
        except orjson.JSONDecodeError:
            pass
    mark = mark_of(body)
    if mark is None and (wide := wide_codec_of(body)) is not None:
        codec = wide
    elif codec.startswith(_WIDE):
        codec = "utf_8"  # JSON begins with ASCII: without a zero in it, it is not what it is said to be
    text = None if mark is not None else decoded(body, codec)
    note = None
    if text is None:
        text, note = text_of(body, media_type)
    return _lenient(text, note)


def text_of(body: bytes, media_type: str) -> tuple[str, str | None]:
    """Return `body` as text, and a note where its charset had to be guessed.

    A byte order mark comes first, then the charset of the media type, then what XML or HTML says of itself, then UTF-8
    (RFC 7303 §3.2, Encoding Standard §6).
    """
    if (mark := mark_of(body)) is not None:
        codec, length = mark
        return body[length:].decode(codec, errors="replace"), None
    declared = _codec_of(media_type) or _inner_codec_of(body, media_type) or "utf_8"
    if (text := decoded(body, declared)) is not None:
        return text, None
    if declared != "utf_8" and (text := decoded(body, "utf_8")) is not None:
        return text, None
    text = body.decode(declared, errors="replace")
    if declared == "utf_8" and text.replace("\ufffd", "").isascii():
        return decoded(body, "latin_1") or "", "the answer is not UTF-8 and names no other charset; it is read as windows-1252"
    return text, f"some bytes of the answer are not {declared.replace('_', '-')}; they are \ufffd here"


def bare_type(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


@cached_if_short(256)
def is_json(media_type: str) -> bool:
    """Say whether a media type is JSON's (RFC 6839 §3.1 for `+json`)."""
    bare = bare_type(media_type)
    return bare.endswith("+json") or bare in ("application/json", "text/json", "application/x-json", "text/x-json", "json")


@cached_if_short(256)
def is_text(bare: str) -> bool:
    """Say whether a media type without parameters is that of text."""
    return (
        bare.startswith("text/")
        or bare in _SCRIPTS
        or bare.endswith(("/xml", "+xml", "/yaml", "/x-yaml", "+yaml", "/csv", "/x-www-form-urlencoded"))
    )


@cached_if_short(256)
def _codec_of(media_type: str) -> str | None:
    match = re.search(r";\s*charset\s*=\s*\"?'?([\w.:+-]{1,40})", media_type, re.IGNORECASE)
    return codec_of(match[1]) if match else None


@cached_if_short(256)
def _json_codec_of(media_type: str) -> str:
    """Return the codec to try first on JSON, which is UTF-8 (RFC 8259 §8.1).

    A single-byte charset that is declared counts only where the bytes are not UTF-8: many servers name one and send UTF-8.
    """
    codec = _codec_of(media_type)
    return "utf_8" if codec is None or codec == "ascii" or codec.startswith(_ONE_BYTE) else codec


def _inner_codec_of(body: bytes, media_type: str) -> str | None:
    """Return the charset that an XML declaration or an HTML `meta` names."""
    if not re.search(r"xml|html", media_type, re.IGNORECASE):
        return None
    match = re.search(
        rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{1,40})|<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", body[:1024]
    )
    codec = codec_of((match[1] or match[2]).decode("ascii", "replace")) if match else None
    # What is read here as ASCII is in no wide charset, whatever it says.
    return None if codec is None or codec.startswith(_WIDE) else codec


def _may_be_json(body: bytes) -> bool:
    """Say whether it is worth trying: a page or a picture is told by its first byte."""
    if mark_of(body) is not None or wide_codec_of(body) is not None:
        return True
    first = body[:64].lstrip()[:1]
    return not first or first in b'{["tfn-0123456789)'


def _admits(schema: Mapping[str, Json] | None, value: Json) -> bool:
    """Say whether the document declares such a value: a bare word or number in text is not JSON by its looks alone."""
    if schema is None:
        return False
    named = schema.get("type")
    return any(name in ([named] if isinstance(named, str) else named or ()) for name in _TYPE_NAMES.get(type(value), ())) or value is None


def _lenient(text: str, note: str | None) -> Content:
    """Return the value of JSON text that a strict parser refused. Raises MalformedContent."""
    text = text.strip(_AROUND)
    if not text:
        return Content(None, note)
    if (guard := _GUARD.match(text)) is not None:
        text = text[guard.end() :]
    try:
        value, is_changed = _loaded(text)
    except ValueError as error:
        values = _values_of(text) if text[:1] in ("{", "[", _RECORD_SEPARATOR) else None
        if values is None:
            raise MalformedContent(str(error)) from error
        return Content(values, _joined(note, "the answer is several JSON values, one after the other; they are a list here"))
    except RecursionError as error:
        raise MalformedContent("it nests too deeply") from error
    return Content(value, _joined(note, _NOT_FINITE) if is_changed else note)


def _loaded(text: str) -> tuple[Json, bool]:
    """Return the value of JSON text, raw line breaks in its texts let pass, and whether a number could not be told.

    Raises ValueError and RecursionError.
    """
    odd: list[str] = []

    def constant(name: str) -> None:
        odd.append(name)

    def number(digits: str) -> float | None:
        found = float(digits)
        if found in (float("inf"), float("-inf")):
            odd.append(digits)
            return None
        return found

    floats = number if has_large_number(text) else None
    value = json.loads(text, parse_constant=constant, parse_int=integers_of(text), parse_float=floats, strict=False)
    return value, bool(odd)


def _values_of(text: str) -> list[Json] | None:
    """Return the values of JSON lines or of a JSON sequence (RFC 7464), or None where one of them is none."""
    parts = text.split(_RECORD_SEPARATOR if _RECORD_SEPARATOR in text else "\n")
    is_plain = not has_long_integer(text.encode(errors="surrogatepass"))
    values = []
    try:
        for part in parts:
            if stripped := part.strip(_AROUND):
                values.append(_value_of(stripped, is_plain=is_plain))
    except (ValueError, RecursionError):
        return None
    return values


def _value_of(text: str, *, is_plain: bool) -> Json:
    if is_plain:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return _loaded(text)[0]


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None
