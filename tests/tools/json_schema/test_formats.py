"""Formats of values: what no server takes is refused with an example, what some want is let through."""

import json
from typing import Any

import pytest

from tools.dispatch.arguments import Validators
from tools.operation import Operation
from tools.sources.openapi.import_document import import_document
from tools.sources.openapi.overlay import read_overlay


def operation_with(format: str, overlay: str = "{}", **more: Any) -> Operation:
    schema = {"type": "string", "format": format}
    body = {
        "content": {
            "application/json": {"schema": {"type": "object", "properties": {"format": schema, "in": {"properties": {"at": schema}}}}}
        }
    }
    paths = {"/s": {"post": {"parameters": [{"name": "at", "in": "query", "schema": schema}], "requestBody": body, "responses": {}}}}
    document = {"openapi": "3.0.3", "info": {}, "servers": [{"url": "https://a.example"}], "paths": paths}
    result = import_document(
        json.dumps(document).encode(), provider="x", tenant_id=None, location="d.json", overlay=read_overlay(overlay.encode(), "o.yaml")
    )
    (operation,) = result.operations
    return operation


def accepts(operation: Operation, value: str) -> bool:
    return Validators().refusal(operation, {"at": value}) is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-27T10:00:00",
        "2026-11-27T10:00:00.123",
        "2026-11-27 10:00",
        "2026-11-27T10:00:00Z",
        "2026-11-27t10:00:00+02:00",
        "2016-12-31T23:59:60Z",
    ],
)
def test_a_date_and_time_needs_no_offset(value: str) -> None:
    """Servers that keep local time want none; `format` is an annotation by default (JSON Schema 2020-12 §7.2.1)."""
    assert accepts(operation_with("date-time"), value)


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-11-27", "2026-02-30T10:00:00", "2026-11-27T25:00:00", "27.11.2026 10:00", "2026-11-27T10:00:00 x"]
)
def test_what_is_no_date_and_time_is_refused_with_an_example(value: str) -> None:
    refusal = Validators().refusal(operation_with("date-time"), {"at": value})
    assert refusal is not None
    assert "write it like 2026-11-21T09:30:00Z" in refusal.message


def test_a_time_needs_no_offset() -> None:
    assert accepts(operation_with("time"), "10:00:00")
    assert accepts(operation_with("time"), "10:00")
    assert not accepts(operation_with("time"), "ten")


@pytest.mark.parametrize("format", ["date", "date-time", "uri", "uuid", "email", "hostname", "ipv4", "duration"])
def test_an_operator_can_leave_formats_to_the_api(format: str) -> None:
    assert not accepts(operation_with(format), "not that!")
    for overlay in ("check_formats: false", '{operations: {"POST /s": {check_formats: false}}}'):
        operation = operation_with(format, overlay)
        assert accepts(operation, "not that!")
        assert Validators().refusal(operation, {"format": "x y", "in": {"at": "x y"}}) is None
        assert operation.signature == operation_with(format).signature
    assert not accepts(operation_with(format, '{check_formats: false, operations: {"POST /s": {check_formats: true}}}'), "not that!")
