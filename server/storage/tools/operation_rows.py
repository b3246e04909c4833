"""An operation as a row and back: its schemas and binding in columns of their own, which stay text until somebody reads them."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import orjson

from tools.catalog.lazy_json import LazyJson, plain
from tools.operation import Operation, Paging

_KEPT = ("input_schema", "output_schema", "binding")
_FIELDS = frozenset(field.name for field in fields(Operation) if field.init) - set(_KEPT)


def row_of(owner: str, operation: Operation) -> dict[str, object]:
    """Return the row of `operation`; `owner` is its tenant, or empty."""
    return {
        "tenant_id": owner,
        "provider": operation.provider,
        "operation_id": operation.id,
        "access": operation.access,
        "content_hash": operation.content_hash,
        "definition": orjson.dumps(_definition(operation), default=sorted).decode(),
        "binding": orjson.dumps(plain(operation.binding)).decode(),
        "input_schema": orjson.dumps(plain(operation.input_schema)).decode(),
        "output_schema": None if operation.output_schema is None else orjson.dumps(plain(operation.output_schema)).decode(),
    }


def operation_of(row: Any) -> Operation:
    """Return the operation of a row: its definition, binding and schemas; members that this version does not know are left out."""
    values: dict[str, Any] = {name: value for name, value in orjson.loads(row.definition).items() if name in _FIELDS}
    values["tags"] = tuple(map(sys.intern, values["tags"]))
    values["provider"] = sys.intern(values["provider"])
    values["connection_scopes"] = frozenset(values["connection_scopes"])
    if values.get("paging") is not None:
        values["paging"] = Paging(**values["paging"])
    output = None if row.output_schema is None else LazyJson(row.output_schema.encode())
    return Operation(
        **values,
        binding=LazyJson(row.binding.encode()),
        input_schema=LazyJson(row.input_schema.encode()),
        output_schema=output,
    )


def _definition(operation: Operation) -> Mapping[str, Any]:
    values: dict[str, Any] = {name: getattr(operation, name) for name in _FIELDS}
    if operation.paging is not None:
        values["paging"] = asdict(operation.paging)
    return values
