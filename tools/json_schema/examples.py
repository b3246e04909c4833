"""A value that a schema accepts, for whoever has to write one."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from tools.json_schema.formats import LOOSE
from tools.json_schema.parts import referred
from tools.operation import Json

#: reads a pattern and never matches one, so none keeps it busy
_parser: Any = importlib.import_module("re._parser")
_regex: Any = importlib.import_module("re._constants")

#: JSON Schema format -> (how it is said, a value that fits)
FORMATS = {
    "date": ("a date", "2026-11-21"),
    "date-time": ("a date and time (RFC 3339)", "2026-11-21T09:30:00Z"),
    "time": ("a time (RFC 3339)", "09:30:00Z"),
    "duration": ("a duration (ISO 8601)", "P1DT2H"),
    "email": ("an e-mail address", "ada@example.com"),
    "uri": ("an absolute URL", "https://example.com/page"),
    "uuid": ("a UUID", "123e4567-e89b-42d3-a456-426614174000"),
    "ipv4": ("an IPv4 address", "192.0.2.1"),
    "ipv6": ("an IPv6 address", "2001:db8::1"),
    "hostname": ("a host name", "example.com"),
    "regex": ("a regular expression", "^a+$"),
}
#: sets within sets and their operators, which Python's reader warns of
_FUTURE_SET = re.compile(r"\[[^\]]*(?:\[|--|&&|~~|\|\|)")
MAX_TEXT_CHARS = 200
MAX_PATTERN_CHARS = 500
MAX_SCHEMAS = 100
_MAX_DEPTH, _MAX_HOPS = 6, 8
_BY_TYPE: dict[str, Json] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}
#: keywords that a single value is held against, whatever is around it
_OWN = frozenset(
    {
        "type", "enum", "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minProperties", "required",
    }
)  # fmt: skip


def example_of(schema: Json, root: Mapping[str, Json] | None = None) -> Json:
    """Return a value that `schema` accepts: its own example where that fits, else one made from what it says; None where none is found.

    `root`: the document that its local references point into.
    """
    return _Maker(root or {}).example(schema, 0)


def fits(schema: Json, value: Json) -> bool:
    """Say whether a schema's own words take `value`; what it refers to or is composed of is not looked at."""
    if not isinstance(schema, Mapping):
        return True
    rules = {name: rule for name, rule in schema.items() if name in _OWN}
    try:
        return jsonschema_rs.validator_for(rules, validate_formats=True, formats=LOOSE, offline=True).is_valid(value)
    except ValueError:
        return True


class _Maker:
    """Makes examples of no more than MAX_SCHEMAS schemas."""

    def __init__(self, root: Mapping[str, Json]) -> None:
        self._root = root
        self._left = MAX_SCHEMAS

    def example(self, schema: Json, depth: int) -> Json:
        schema = _target(schema, self._root)
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH or self._left < 0:
            return None
        return next((value for value in self._candidates(schema, depth) if fits(schema, value)), None)

    def _candidates(self, schema: Mapping[str, Json], depth: int) -> Iterator[Json]:
        yield from (schema[name] for name in ("example", "default", "const") if name in schema)
        for name in ("examples", "enum"):
            yield from schema[name][:3] if isinstance(schema.get(name), list) else ()
        if isinstance(said := FORMATS.get(str(schema.get("format"))), tuple):
            yield said[1]
        for name in ("oneOf", "anyOf"):
            if isinstance(schema.get(name), list) and schema[name]:
                yield self.example(schema[name][0], depth + 1)
        if isinstance(parts := schema.get("allOf"), list) and parts:
            made = [self.example(part, depth + 1) for part in parts]
            objects = [each for each in made if isinstance(each, dict)]
            yield {name: value for each in objects for name, value in each.items()} if len(objects) == len(made) else made[0]
        named = schema.get("type")
        kind = next((each for each in named if each != "null"), "null") if isinstance(named, list) else named
        if kind == "object" and isinstance(properties := schema.get("properties"), Mapping):
            required = schema.get("required")
            names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
            least = int(_number(schema.get("minProperties")) or 0)
            names += [name for name in properties if name not in names][: max(0, least - len(names))]
            yield {name: self.example(properties.get(name), depth + 1) for name in names}
        elif kind == "array":
            item = self.example(schema.get("items"), depth + 1)
            fewest = _number(schema.get("minItems")) or 0
            yield [] if item is None else [item] * int(max(1, min(fewest, 3)))
        elif kind == "string" or "pattern" in schema:
            yield from _texts(schema)
        elif kind in ("integer", "number"):
            yield from _numbers(schema)
        yield _BY_TYPE.get(str(kind))


def _texts(schema: Mapping[str, Json]) -> Iterator[str]:
    if isinstance(pattern := schema.get("pattern"), str):
        yield from ("text", "1", "123456789", "a", "A", "2026-11-21", "USD", "en-US", "ada@example.com", "https://example.com/page")
        made = _matching(pattern)
        if made is not None:
            yield made
    least, most = int(_number(schema.get("minLength")) or 0), _number(schema.get("maxLength"))
    if least <= MAX_TEXT_CHARS:
        text = "text" * (least // 4 + 1) if least > 4 else "text"
        yield text[: max(0, int(most))] if most is not None else text


def _numbers(schema: Mapping[str, Json]) -> Iterator[Json]:
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    yield from (edge for edge in (low, high) if edge is not None)
    for name, step in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1), ("multipleOf", 0)):
        if (edge := _number(schema.get(name))) is not None:
            yield edge + step


def _matching(pattern: str) -> str | None:
    """Return a text that `pattern` most likely takes, as short as it allows; None for one that is not read."""
    if len(pattern) > MAX_PATTERN_CHARS or _FUTURE_SET.search(pattern):
        return None
    try:
        text = "".join(_pieces(_parser.parse(pattern), 0))
    except (re.error, RecursionError, OverflowError, ValueError):
        return None
    return text if len(text) <= MAX_TEXT_CHARS else None


def _pieces(parsed: Iterable[Any], depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ValueError
    for kind, given in parsed:
        if kind is _regex.LITERAL:
            yield chr(given)
        elif kind is _regex.IN:
            yield _one_of(given)
        elif kind in (_regex.MAX_REPEAT, _regex.MIN_REPEAT):
            least, most, part = given
            piece = "".join(_pieces(part, depth + 1))
            if len(piece) * least > MAX_TEXT_CHARS:
                raise ValueError
            yield piece * max(least, min(1, most))
        elif kind is _regex.SUBPATTERN:
            yield from _pieces(given[3], depth + 1)
        elif kind is _regex.BRANCH:
            yield from _pieces(given[1][0], depth + 1)
        elif kind in (_regex.ANY, _regex.NOT_LITERAL):
            yield "b" if given == ord("a") else "a"


def _one_of(options: Any) -> str:
    """Return a character of a class: what is written first in it; of one that only excludes, whatever is not excluded."""
    kind, given = options[0]
    if kind is _regex.NEGATE:
        excluded = {chr(value) for name, value in options[1:] if name is _regex.LITERAL}
        return next(each for each in "abc1-_" if each not in excluded)
    if kind is _regex.RANGE:
        return chr(given[0])
    if kind is _regex.CATEGORY:
        return {_regex.CATEGORY_DIGIT: "1", _regex.CATEGORY_SPACE: " ", _regex.CATEGORY_NOT_WORD: "-"}.get(given, "a")
    return chr(given)


def _number(value: Json) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _target(schema: Json, root: Mapping[str, Json]) -> Json:
    for _hop in range(_MAX_HOPS):
        if not isinstance(schema, Mapping) or not str(schema.get("$ref", "")).startswith("#/"):
            return schema
        schema = referred(schema["$ref"], root)
    return None
