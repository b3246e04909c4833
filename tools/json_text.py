"""Values as JSON text: fast, and never at a loss."""

import json

import orjson

from tools.operation import Json


def encode(data: Json) -> bytes:
    """Return `data` as compact JSON; what JSON cannot say (dates from YAML) as text."""
    try:
        return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers beyond 64 bits, lone surrogates, deep nesting: JSON all the same, and an answer must not be lost to them.
        try:
            return json.dumps(data, default=str).encode()
        except RecursionError:
            return json.dumps("an answer that nests too deeply to be shown").encode()
