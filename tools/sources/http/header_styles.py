"""Values of parameters in headers, cookies and where a document describes the whole query."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, unquote

from tools.json_text import encode
from tools.operation import Json
from tools.sources.http.parameter_styles import SEPARATOR_BY_STYLE, Dumps, Pair, UnfitArgument, document_of, joined, query_writer, text_of
from tools.sources.media_types import FORM, kind_of


def header_writer(parameter: Mapping[str, Json], dumps: Dumps = encode) -> Callable[[Json], str]:
    """Return the function that writes a header value; header values are not percent-encoded. It raises UnfitArgument."""
    argument, explode = parameter["argument"], parameter.get("explode", False)
    separator = unquote(SEPARATOR_BY_STYLE.get(parameter.get("style", ""), ","))
    inner, media_type = parameter.get("inner"), parameter.get("media_type")

    def write(value: Json) -> str:
        if inner is not None:
            value = joined(value, inner)
        if media_type is not None:
            # RFC 9110 §5.5: fields are ASCII; JSON can say everything in it.
            written = _in_ascii(document_of(value, media_type, dumps)) if kind_of(media_type) == "json" else document_of(value, media_type)
        elif isinstance(value, list):
            written = separator.join(map(_part_of_header if separator == "," else text_of, value))
            if separator != "," and written.count(separator) > len(value) - 1:
                raise UnfitArgument(argument, f"a value in this list cannot contain {separator!r}")
        elif isinstance(value, Mapping):
            between = "=" if explode else ","
            written = ",".join(f"{_part_of_header(key)}{between}{_part_of_header(item)}" for key, item in value.items())
        else:
            written = text_of(value)
        if any((ord(sign) < 32 and sign != separator) or ord(sign) == 127 for sign in written):
            raise UnfitArgument(argument, "a header value cannot hold line breaks or control characters")
        return written.strip()

    return write


def cookie_writer(parameter: Mapping[str, Json], dumps: Dumps = encode) -> Callable[[Json], Iterator[Pair]]:
    """Return the function that writes cookies: form style, each exploded value a cookie of its own (RFC 6265 §4.2.1)."""
    if parameter.get("style") == "cookie":
        return lambda value: _raw_cookies(parameter, value)
    return query_writer({key: value for key, value in parameter.items() if key != "reserved"}, dumps)


def whole_query_writer(parameter: Mapping[str, Json], dumps: Dumps = encode) -> Callable[[Json], str]:
    """Return the function that writes the whole query (OpenAPI 3.2, `in: querystring`): a form as it is, all else percent-encoded."""
    media_type = parameter.get("media_type", FORM)
    if kind_of(media_type) == "form":
        return lambda value: document_of(value, media_type)
    return lambda value: quote(document_of(value, media_type, dumps), safe="")


def _raw_cookies(parameter: Mapping[str, Json], value: Json) -> Iterator[Pair]:
    """Yield cookies as they are given (OpenAPI 3.2, style `cookie`): nothing is percent-encoded (RFC 6265 §4.1.1)."""
    name, explode = parameter["name"], parameter.get("explode", True)
    if value is None:
        return
    if isinstance(value, Mapping):
        pairs = [(key, text_of(item)) for key, item in value.items()]
        pairs = pairs if explode else [(name, ",".join(part for pair in pairs for part in pair))]
    else:
        items = [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]
        pairs = [(name, item) for item in items] if explode else [(name, ",".join(items))]
    for key, text in pairs:
        if any(sign in ";\x7f" or ord(sign) < 33 for sign in key + text):
            raise UnfitArgument(parameter.get("argument", name), "a cookie cannot hold blanks, semicolons or control characters")
        yield Pair(key, text)


def _part_of_header(value: Json) -> str:
    """Return one value of several in a header: what would be taken for a delimiter, or for an escape, is escaped."""
    return re.sub(r"[,=]|%(?=[0-9A-Fa-f]{2})", lambda sign: f"%{ord(sign[0]):02X}", text_of(value))


def _in_ascii(text: str) -> str:
    return text if text.isascii() else json.dumps(json.loads(text), separators=(",", ":"))
