"""An operation as a row: its JSON and back."""

from dataclasses import asdict, fields
from typing import Any

import orjson

from tools.operation import Operation, Paging

_FIELDS = frozenset(field.name for field in fields(Operation))


def encode_operation(operation: Operation) -> str:
    """Return `operation` as JSON text."""
    return orjson.dumps(asdict(operation), default=sorted, option=orjson.OPT_NON_STR_KEYS).decode()


def decode_operation(text: str) -> Operation:
    """Return the operation of a row; members that this version does not know are left out."""
    values: dict[str, Any] = {name: value for name, value in orjson.loads(text).items() if name in _FIELDS}
    values["tags"] = tuple(values["tags"])
    values["connection_scopes"] = frozenset(values["connection_scopes"])
    if values.get("paging") is not None:
        values["paging"] = Paging(**values["paging"])
    return Operation(**values)
