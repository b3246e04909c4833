"""JSON bodies with the numbers that their schema means."""

from collections.abc import Mapping

import orjson

from tools.json_schema.meant_numbers import may_differ, meant
from tools.operation import Json


class JsonWriter:
    """Writes JSON for one operation. `schema` is that of its arguments."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self._schema = schema
        self._has_integers = b'"integer"' in orjson.dumps(schema, default=dict)

    def write(self, value: Json, argument: str | None = None) -> bytes:
        """Return the JSON of all members of a body, or of the value of one argument."""
        raw = orjson.dumps(value)
        if not self._has_integers or not may_differ(raw):
            return raw
        schema: Json = self._schema
        if argument is not None:
            schema = schema.get("properties", {}).get(argument, {})
        return orjson.dumps(meant(value, schema, self._schema.get("$defs", {}), orjson.Fragment))
