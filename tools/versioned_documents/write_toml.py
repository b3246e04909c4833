"""A document as the file that it could have been: what shows a configuration prints, what applies one reads."""

import json
import re
from collections.abc import Iterator, Mapping

from tools.operation import Json

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: TOML has dates; JSON, and so the document, writes them as texts
_DATES = frozenset({"from", "sunset"})


def write_toml(document: Mapping[str, Json]) -> str:
    """Return `document` as TOML: a header for each entry, a line for each of its values."""
    return "\n".join(line for section, value in document.items() for line in _section(section, value))


def _section(name: str, value: Json) -> Iterator[str]:
    section = _key(name)
    if isinstance(value, list):
        for entry in value:
            yield from _entry(f"[[{section}]]", entry)
    elif not all(isinstance(entry, Mapping) for entry in value.values()):
        yield from _entry(f"[{section}]", value)
    else:
        for each, entry in value.items():
            yield from _entry(f"[{section}.{_key(each)}]", entry)


def _entry(header: str, entry: Mapping[str, Json]) -> Iterator[str]:
    yield header
    for name, value in entry.items():
        yield f"{_key(name)} = {_value(name, value)}"
    yield ""


def _value(name: str, value: Json) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(each)} = {_value(each, member)}" for each, member in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value('', member) for member in value)}]"
    if isinstance(value, str) and name in _DATES and _DATE.fullmatch(value):
        return value
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    # A basic string of TOML is a string of JSON, but for one character that only TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)
