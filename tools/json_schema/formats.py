"""What `format` is held to: a value that no server would take is refused early, one that some servers want is let through.

JSON Schema 2020-12 §7.2.1 takes formats for annotations by default. docs/decisions/0028-formats-are-checked-loosely.md.
"""

import re
from collections.abc import Mapping
from datetime import date

from tools.operation import Json

_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d{1,12})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?"
_TIME = re.compile(_CLOCK)
_MOMENT = re.compile(rf"(\d{{4}}-\d\d-\d\d)[Tt ]{_CLOCK}")


def is_time(text: str) -> bool:
    """Say whether `text` is a time of day, with or without seconds and offset: many servers keep local time."""
    return _TIME.fullmatch(text) is not None


def is_moment(text: str) -> bool:
    """Say whether `text` is a date and time, with or without seconds and offset (RFC 3339, and ISO 8601 local time)."""
    match = _MOMENT.fullmatch(text)
    try:
        return match is not None and bool(date.fromisoformat(match[1]))
    except ValueError:
        return False


#: in place of the validator's own, which ask for an offset
LOOSE = {"date-time": is_moment, "time": is_time}

#: keywords that hold schemas by name; a member called `format` is no keyword
_MAPS = frozenset({"properties", "$defs", "patternProperties", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "examples"})


def unchecked(schema: Json) -> Json:
    """Return `schema` with every format as a word for readers (`x-format`), which no validator looks at."""
    if isinstance(schema, list):
        return [unchecked(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    out: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, Mapping):
            out[keyword] = {name: unchecked(each) for name, each in value.items()}
        elif keyword == "format" and isinstance(value, str):
            out["x-format"] = value
        else:
            out[keyword] = value if keyword in _VALUES else unchecked(value)
    return out
