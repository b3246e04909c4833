"""Values of parameters as they stand in a request: every style and explode of OpenAPI 3.1 §4.8.12.3, as RFC 6570 writes them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

from tools.json_schema.meant_numbers import MAX_WHOLE
from tools.json_text import encode
from tools.operation import Json
from tools.sources.media_types import kind_of

#: reserved characters that a query component may carry without being taken apart (allowReserved): no & = + #
RESERVED = ":/?@!$'()*,;"
#: the same for a path (OpenAPI 3.2), whose segments may be several then
RESERVED_IN_PATH = ":/@!$&'()*+,;="
_TRIPLE = re.compile(r"%25(?=[0-9A-Fa-f]{2})")
#: of one deep object: each value repeats the names of all that it is in
MAX_DEEP_CHARS = 4 * 1024 * 1024
#: what writes JSON
Dumps = Callable[[Json], bytes]
#: `tsv`, and `ssv` and `pipes` outside of queries, are Swagger 2.0's; OpenAPI 3 has no word for them
SEPARATOR_BY_STYLE = {"spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}


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
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_WHOLE:
        # JSON has one kind of number: 5.0 and 1e3 are the integers 5 and 1000 (JSON Schema 2020-12 validation §6.1.1).
        return str(int(value))
    return encode(value).decode()


def encoded(value: Json, safe: str = "") -> str:
    """Return a plain value percent-encoded (RFC 3986 §2.1); where reserved characters are `safe`, what is encoded already stays."""
    if type(value) is int:
        return str(value)
    written = quote(text_of(value), safe=safe)
    # RFC 6570 §3.2.3, as OpenAPI 3.1.1 §4.8.12 (allowReserved) has it.
    return _TRIPLE.sub("%", written) if safe and "%25" in written else written


def path_writer(parameter: Mapping[str, Json], dumps: Dumps = encode) -> Callable[[Json], str]:
    """Return the function that writes a path parameter: simple, label or matrix. It raises UnfitArgument."""
    argument, name = parameter["argument"], quote(parameter["name"], safe="")
    style, explode = parameter.get("style", "simple"), parameter.get("explode", False)
    write = _PATH_WRITERS.get(style, _simple)
    if "media_type" in parameter:
        write = _document_writer(parameter["media_type"], dumps)
    elif parameter.get("reserved"):
        write = _reserved
    elif style in SEPARATOR_BY_STYLE:
        write = _delimited_writer(parameter, SEPARATOR_BY_STYLE[style])
    inner = parameter.get("inner")

    def write_checked(value: Json) -> str:
        written = write(name, value if inner is None else joined(value, inner), explode)
        if not _DOTTED.isdisjoint(written.split("/")):
            # An empty or dotted segment would address another resource (RFC 3986 §5.2.4).
            raise UnfitArgument(argument, f"{text_of(value)!r} cannot be a part of the path")
        return written

    return write_checked


def query_writer(parameter: Mapping[str, Json], dumps: Dumps = encode) -> Callable[[Json], Iterator[Pair]]:
    """Return the function that writes a query parameter as pairs of name and value."""
    name, style, explode = parameter["name"], parameter.get("style", "form"), parameter.get("explode", True)
    safe = RESERVED if parameter.get("reserved") else ""
    if "media_type" in parameter:
        media_type = parameter["media_type"]
        return lambda value: iter((Pair(quote(name, safe=""), quote(document_of(value, media_type, dumps), safe="")),))
    if style == "deepObject":
        return lambda value: _deep(quote(name, safe=""), value, safe, _Room(parameter))
    if "inner" in parameter:
        inner, write = parameter["inner"], query_writer({key: word for key, word in parameter.items() if key != "inner"})
        return lambda value: write(joined(value, inner))
    if style in SEPARATOR_BY_STYLE and not explode:
        return lambda value: _delimited(parameter, value, SEPARATOR_BY_STYLE[style])
    return lambda value: _form(quote(name, safe=""), value, explode, safe)


def _simple(name: str, value: Json, explode: bool) -> str:
    if isinstance(value, (str, int)):
        return encoded(value)
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
    """Write `;name=value`; an empty value has no equals sign (RFC 6570 §3.2.7)."""
    if isinstance(value, list):
        parts = [encoded(item) for item in value]
        return "".join(_named(name, part) for part in parts) if explode else _named(name, ",".join(parts))
    if isinstance(value, Mapping):
        if explode:
            return "".join(_named(encoded(key), encoded(item)) for key, item in value.items())
        return _named(name, ",".join(_members(value, ",")))
    return _named(name, encoded(value))


def _named(name: str, written: str) -> str:
    return f";{name}={written}" if written else f";{name}"


def _reserved(name: str, value: Json, explode: bool) -> str:
    return ",".join(encoded(item, RESERVED_IN_PATH) for item in (value if isinstance(value, list) else [value]))


_DOTTED = frozenset({"", ".", "..", *(f"{a}{b}" for a in (".", "%2E", "%2e") for b in ("", ".", "%2E", "%2e"))})
_PATH_WRITERS: Mapping[str, Callable[[str, Json, bool], str]] = {"simple": _simple, "label": _label, "matrix": _matrix}


def _members(value: Mapping[str, Json], between: str) -> list[str]:
    return [f"{encoded(key)}{between}{encoded(item)}" for key, item in value.items()]


def _delimited(parameter: Mapping[str, Json], value: Json, separator: str) -> Iterator[Pair]:
    if value is not None and (written := _between(parameter, value, separator)):
        yield Pair(quote(parameter["name"], safe=""), written)


def _between(parameter: Mapping[str, Json], value: Json, separator: str) -> str:
    """Return a list whose values stand between blanks, tabs or pipes; these styles have no escape for the delimiter itself."""
    flat = (
        value if isinstance(value, list) else [part for pair in value.items() for part in pair] if isinstance(value, Mapping) else [value]
    )
    parts = [encoded(item) for item in flat]
    if isinstance(value, list | Mapping) and any(separator in part for part in parts):
        raise UnfitArgument(parameter.get("argument", parameter["name"]), f"a value in this list cannot contain {unquote(separator)!r}")
    return separator.join(parts)


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
    elif value is not None:  # null is what RFC 6570 §2.3 calls undefined: nothing is written
        yield Pair(name, encoded(value, safe))


class _Room:
    """How much one deep object may still be written out to."""

    def __init__(self, parameter: Mapping[str, Json]) -> None:
        self._argument, self._left = parameter.get("argument", parameter["name"]), MAX_DEEP_CHARS

    def take(self, chars: int) -> None:
        self._left -= chars
        if self._left < 0:
            most = f"{MAX_DEEP_CHARS >> 20} MB"
            raise UnfitArgument(
                self._argument, f"with the names that each value is in, it comes to more than {most}; nest less, or shorten them"
            )


def _deep(name: str, value: Json, safe: str, room: _Room) -> Iterator[Pair]:
    """Write `name[a][b]=1`; lists inside as `name[tags][]=x`, lists of objects with their position."""
    room.take(len(name))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _deep(f"{name}%5B{encoded(key)}%5D", item, safe, room)
    elif isinstance(value, list):
        has_objects = any(isinstance(item, Mapping | list) for item in value)
        for position, item in enumerate(value):
            yield from _deep(f"{name}%5B{position if has_objects else ''}%5D", item, safe, room)
    else:
        yield Pair(name, encoded(value, safe))


def joined(value: Json, separators: Sequence[str]) -> Json:
    """Return a list whose items, lists themselves, are texts: each level between its own separator (Swagger 2.0 Items Object)."""
    if not isinstance(value, list):
        return value
    separator, *further = separators
    return [separator.join(map(text_of, joined(item, further) if further else item)) if isinstance(item, list) else item for item in value]


def _document_writer(media_type: str, dumps: Dumps) -> Callable[[str, Json, bool], str]:
    return lambda _name, value, _explode: quote(document_of(value, media_type, dumps), safe="")


def _delimited_writer(parameter: Mapping[str, Json], separator: str) -> Callable[[str, Json, bool], str]:
    return lambda _name, value, _explode: _between(parameter, value, separator)


def document_of(value: Json, media_type: str, dumps: Dumps = encode) -> str:
    """Return a value as a document of `media_type` (a parameter's `content`): JSON, a form, or the text itself."""
    kind = kind_of(media_type)
    if kind == "json":
        return dumps(value).decode()
    if kind == "form" and isinstance(value, Mapping):
        return "&".join(f"{name}={part}" for member, each in value.items() for name, part in _form(quote(member, safe=""), each, True, ""))
    return text_of(value)
