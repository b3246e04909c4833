"""JSON bodies with the numbers that their schema means."""

from collections.abc import Mapping

import orjson

from tools.json_schema.meant_numbers import may_differ, meant
from tools.json_text import encode
from tools.operation import Json

#: what says in a schema that a number is a whole one
_SIGNS = (b'"integer"', b'"enum"', b'"const"', b'"multipleOf"', b'"int32"', b'"int64"', b'"uint32"', b'"uint64"')


class JsonWriter:
    """Writes JSON for one operation. `schema` is that of its arguments."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self._schema = schema
        raw = orjson.dumps(schema, default=dict)
        self._has_integers = any(sign in raw for sign in _SIGNS)

    def write(self, value: Json, argument: str | None = None) -> bytes:
        """Return the JSON of all members of a body, or of the value of one argument."""
        raw = encode(value)
        return encode(self._meant(value, argument)) if self._has_integers and may_differ(raw) else raw

    def meant(self, value: Json, argument: str | None = None) -> Json:
        """Return the same as a value."""
        return self._meant(value, argument) if self._has_integers and may_differ(encode(value)) else value

    def _meant(self, value: Json, argument: str | None) -> Json:
        schema: Json = self._schema
        if argument is not None:
            schema = schema.get("properties", {}).get(argument, {})
        return meant(value, schema, self._schema.get("$defs", {}), int)
