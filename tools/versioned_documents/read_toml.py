"""A file in TOML -> a document in plain JSON, within bounds; what it says is checked by whoever reads it."""

import math
import tomllib
from collections.abc import Mapping
from datetime import date, time
from typing import Any, Final

from tools.json_schema.argument_size import values_in
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid

#: conditions may compare with values of their own; what schemas describe is five deep at most
MAX_DEPTH: Final = 12


def read_toml_file(raw: bytes, max_bytes: int) -> dict[str, Any]:
    """Return what a file says, dates and all. Raises ConfigInvalid."""
    if len(raw) > max_bytes:
        raise whole_invalid(f"has {len(raw):,} bytes; {max_bytes:,} are the most")
    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise whole_invalid(f"is not UTF-8 (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise whole_invalid(f"is not TOML: {error}") from error
    except RecursionError as error:
        raise whole_invalid("is nested too deeply") from error


def plain_json(document: Any, max_values: int) -> Json:
    """Return a document as JSON: dates are ISO texts. Raises ConfigInvalid where it is too deep or too large."""
    plain = _as_json(document, 0)
    if values_in(plain, max_values) > max_values:
        raise whole_invalid(f"has more than {max_values:,} values")
    return plain


def whole_invalid(message: str) -> ConfigInvalid:
    """Return the one fault of a file that is wrong as a whole."""
    return ConfigInvalid([ConfigFault("", f"the configuration {message}")])


def _as_json(value: Any, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise whole_invalid("is nested too deeply")
    if isinstance(value, Mapping):
        return {_whole(str(name)): _as_json(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_json(member, depth + 1) for member in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str):
        return _whole(value)
    # JSON has no such numbers; as a text each place that wants a number refuses it.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _whole(text: str) -> str:
    """Return a text as it is. Raises ConfigInvalid where it has half of a character, which no store keeps."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise whole_invalid("has half of a character (a surrogate alone)")
    return text
