"""Values of parameters as they stand in a request: every style and explode of OpenAPI 3.1 §4.8.12.3, as RFC 6570 writes them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

import orjson

from tools.operation import Json

#: reserved characters that a query component may carry without being taken apart (allowReserved): no & = + #
RESERVED = ":/?@!$'()*,;"
SEPARATOR_BY_STYLE = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}


class UnfitArgument(Exception):
    """A valid argument that cannot be written into a request; `argument` names it, the message says why."""

    def __init__(self, argument: str, reason: str) -> None:
        super().__init__(reason)
        self.argument = argument


class Pair(NamedTuple):
    """A name and a value, both percent-encoded already."""

    name: str
    value: str


def text_of(value: Json) -> str:
    """Return a plain value as text: JSON's words for booleans and null, JSON for what is nested."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return orjson.dumps(value).decode()


def encoded(value: Json, safe: str = "") -> str:
    """Return a plain value percent-encoded (RFC 3986 §2.1)."""
    return str(value) if type(value) is int else quote(text_of(value), safe=safe)


def path_writer(parameter: Mapping[str, Json]) -> Callable[[Json], str]:
    """Return the function that writes a path parameter: simple, label or matrix. It raises UnfitArgument."""
    argument, name = parameter["argument"], quote(parameter["name"], safe="")
    style, explode = parameter.get("style", "simple"), parameter.get("explode", False)
    write = _PATH_WRITERS.get(style, _simple) if "media_type" not in parameter else _document

    def write_checked(value: Json) -> str:
        written = write(name, value, explode)
        if written in ("", ".", ".."):
            # An empty or dotted segment would address another resource (RFC 3986 §5.2.4).
            raise UnfitArgument(argument, f"{text_of(value)!r} cannot be a part of the path")
        return written

    return write_checked


def query_writer(parameter: Mapping[str, Json]) -> Callable[[Json], Iterator[Pair]]:
    """Return the function that writes a query parameter as pairs of name and value."""
    name, style, explode = parameter["name"], parameter.get("style", "form"), parameter.get("explode", True)
    safe = RESERVED if parameter.get("reserved") else ""
    if "media_type" in parameter:
        return lambda value: iter((Pair(quote(name, safe=""), encoded(_as_document(value))),))
    if style == "deepObject":
        return lambda value: _deep(quote(name, safe=""), value, safe)
    if style in SEPARATOR_BY_STYLE and not explode:
        return lambda value: _delimited(parameter, value, SEPARATOR_BY_STYLE[style])
    return lambda value: _form(quote(name, safe=""), value, explode, safe)


def header_writer(parameter: Mapping[str, Json]) -> Callable[[Json], str]:
    """Return the function that writes a header value; header values are not percent-encoded. It raises UnfitArgument."""
    argument, explode = parameter["argument"], parameter.get("explode", False)
    is_document = "media_type" in parameter

    def write(value: Json) -> str:
        if is_document:
            written = _as_document(value)
        elif isinstance(value, list):
            written = ",".join(_part_of_header(item) for item in value)
        elif isinstance(value, Mapping):
            between = "=" if explode else ","
            written = ",".join(f"{_part_of_header(key)}{between}{_part_of_header(item)}" for key, item in value.items())
        else:
            written = text_of(value)
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in written):
            raise UnfitArgument(argument, "a header value cannot hold line breaks or control characters")
        return written.strip()

    return write


def cookie_writer(parameter: Mapping[str, Json]) -> Callable[[Json], Iterator[Pair]]:
    """Return the function that writes cookies: form style, each exploded value a cookie of its own (RFC 6265 §4.2.1)."""
    return query_writer({key: value for key, value in parameter.items() if key != "reserved"})


def _part_of_header(value: Json) -> str:
    """Return one value of several in a header: what would be taken for a delimiter, or for an escape, is escaped."""
    return re.sub(r"[,=]|%(?=[0-9A-Fa-f]{2})", lambda sign: f"%{ord(sign[0]):02X}", text_of(value))


def _simple(name: str, value: Json, explode: bool) -> str:
    if isinstance(value, list):
        return ",".join(encoded(item) for item in value)
    if isinstance(value, Mapping):
        return ",".join(_members(value, "=" if explode else ","))
    return encoded(value)


def _label(name: str, value: Json, explode: bool) -> str:
    if not isinstance(value, list | Mapping):
        return f".{encoded(value)}"
    # The dot separates here, so inside a value it is encoded although RFC 3986 lets it stand.
    if isinstance(value, list):
        parts = [encoded(item).replace(".", "%2E") for item in value]
    else:
        parts = [part.replace(".", "%2E") for part in _members(value, "=" if explode else ",")]
    return "." + ("." if explode else ",").join(parts)


def _matrix(name: str, value: Json, explode: bool) -> str:
    if isinstance(value, list):
        return "".join(f";{name}={encoded(item)}" for item in value) if explode else f";{name}={','.join(encoded(item) for item in value)}"
    if isinstance(value, Mapping):
        return "".join(f";{member}" for member in _members(value, "=")) if explode else f";{name}={','.join(_members(value, ','))}"
    return f";{name}={encoded(value)}"


def _document(name: str, value: Json, explode: bool) -> str:
    return encoded(_as_document(value))


_PATH_WRITERS: Mapping[str, Callable[[str, Json, bool], str]] = {"simple": _simple, "label": _label, "matrix": _matrix}


def _members(value: Mapping[str, Json], between: str) -> list[str]:
    return [f"{encoded(key)}{between}{encoded(item)}" for key, item in value.items()]


def _delimited(parameter: Mapping[str, Json], value: Json, separator: str) -> Iterator[Pair]:
    """Write a list whose values stand between blanks or pipes; these styles have no escape for the delimiter itself."""
    flat = (
        value if isinstance(value, list) else [part for pair in value.items() for part in pair] if isinstance(value, Mapping) else [value]
    )
    parts = [encoded(item) for item in flat]
    if isinstance(value, list | Mapping) and any(separator in part for part in parts):
        raise UnfitArgument(parameter.get("argument", parameter["name"]), f"a value in this list cannot contain {unquote(separator)!r}")
    if parts:
        yield Pair(quote(parameter["name"], safe=""), separator.join(parts))


def _form(name: str, value: Json, explode: bool, safe: str) -> Iterator[Pair]:
    # A comma inside a value must not look like the one between values.
    inner_safe = safe if explode else safe.replace(",", "")
    if isinstance(value, list):
        if explode:
            yield from (Pair(name, encoded(item, safe)) for item in value)
        elif value:
            yield Pair(name, ",".join(encoded(item, inner_safe) for item in value))
    elif isinstance(value, Mapping):
        if explode:
            yield from (Pair(encoded(key), encoded(item, safe)) for key, item in value.items())
        elif value:
            parts = [part for key, item in value.items() for part in (encoded(key), encoded(item, inner_safe))]
            yield Pair(name, ",".join(parts))
    else:
        yield Pair(name, encoded(value, safe))


def _deep(name: str, value: Json, safe: str) -> Iterator[Pair]:
    """Write `name[a][b]=1`; lists inside as `name[tags][]=x`, lists of objects with their position."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _deep(f"{name}%5B{encoded(key)}%5D", item, safe)
    elif isinstance(value, list):
        has_objects = any(isinstance(item, Mapping | list) for item in value)
        for position, item in enumerate(value):
            yield from _deep(f"{name}%5B{position if has_objects else ''}%5D", item, safe)
    else:
        yield Pair(name, encoded(value, safe))


def _as_document(value: Json) -> str:
    return orjson.dumps(value).decode()
