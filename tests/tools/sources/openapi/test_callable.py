"""Real documents import whole, and what comes in can be called."""

import json
from pathlib import Path

import pytest

from tests.tools.sources.openapi.callable import REQUIRED_SHARE, tally_of
from tests.tools.sources.openapi.dialects import DIALECTS
from tools.sources.openapi.import_document import import_document

DOCUMENTS = (
    ("box-openapi3.json", 296),
    ("twilio-api-v2010.json", 197),
    ("slack-web-swagger2.json", 174),
    ("oas-examples-3.0-json-star-trek.json", 120),
    ("oas-examples-3.1-json-parameters-style.json", 25),
    ("oas-examples-3.1-json-schema-types.json", 23),
    ("oas-examples-3.1-json-train-travel.json", 7),
)


@pytest.mark.parametrize(("name", "operations"), DOCUMENTS)
async def test_every_operation_of_a_real_document_is_callable(shared_data: Path, name: str, operations: int) -> None:
    """Issue "Calling any API": at least 99 %, checked against a stub server generated from the same document."""
    tally = await tally_of((shared_data / "specs" / name).read_bytes(), name, seeds=(7,))
    assert tally.in_document == operations
    assert tally.callable >= REQUIRED_SHARE * operations, tally.faults


def test_the_bench_document_keeps_its_id(shared_data: Path) -> None:
    """The benchmark calls bench.users.get."""
    raw = (shared_data / "bench" / "upstream-openapi.json").read_bytes()
    (operation,) = import_document(raw, provider="bench", tenant_id=None, location="upstream-openapi.json").operations
    assert operation.id == "bench.users.get"
    assert operation.signature == "bench.users.get(id: int) -> {id, name, email, tags[]}"


@pytest.mark.parametrize("name", list(DIALECTS))
async def test_every_operation_in_a_vendors_dialect_is_callable(name: str) -> None:
    """What real documents do beyond the plain case, without the megabytes."""
    tally = await tally_of(json.dumps(DIALECTS[name]).encode(), "https://api.example.com/openapi.json", seeds=tuple(range(8)))
    assert tally.callable == tally.in_document, tally.faults
