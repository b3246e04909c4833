"""A yes beforehand is for what an operation does: an import that changes it asks again."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.tools.stand_ins import operation
from tools.catalog.lazy_json import LazyJson
from tools.workflows.consent import agreed_to, consent_digest, is_agreed

DELETE = replace(
    operation("crm.contacts.delete", "destructive", schema={"type": "object", "properties": {"id": {"type": "string"}}}),
    binding={"method": "DELETE", "base_url": "https://crm.example", "path": "/contacts/{id}", "parameters": []},
)


@pytest.mark.parametrize(
    "changed",
    [
        {"binding": {**DELETE.binding, "path": "/accounts/{id}"}},
        {"binding": {**DELETE.binding, "method": "POST"}},
        {"binding": {**DELETE.binding, "base_url": "https://other.example"}},
        {"input_schema": {"type": "object"}},
        {"access": "write"},
        {"description": "Deletes the contact with all its deals."},
        {"kind": "mcp"},
        {"tenant_id": "acme"},
        {"connection": "crm"},
    ],
    ids=lambda changed: "-".join(changed) + str(len(str(changed))),
)
def test_what_an_import_changed_is_another_thing_to_agree_to(changed: dict[str, Any]) -> None:
    assert consent_digest(replace(DELETE, **changed)) != consent_digest(DELETE)


def test_what_comes_back_from_the_store_and_answers_differently_is_the_same() -> None:
    """Schemas stay text there, with their keys in another order perhaps."""
    binding = orjson.dumps(dict(sorted(DELETE.binding.items(), reverse=True)))
    schema = orjson.dumps(dict(DELETE.input_schema))
    kept = replace(DELETE, binding=LazyJson(binding), input_schema=LazyJson(schema))
    told = {"output_schema": {"type": "object"}, "returns": "{ok}", "signature": "x", "example": {"id": "1"}, "content_hash": "other"}
    assert consent_digest(replace(kept, **told)) == consent_digest(DELETE)  # type: ignore[arg-type]


def test_what_the_gateway_brings_along_is_agreed_to_as_it_is_called() -> None:
    """An upgrade that says it in other words stops no workflow."""
    brought = replace(DELETE, kind="builtin")
    assert consent_digest(replace(brought, description="anew", input_schema={})) == consent_digest(brought)


def test_no_token_of_a_person_is_taken_for_a_yes_beforehand() -> None:
    assert is_agreed(agreed_to("d"))
    assert not any(map(is_agreed, (None, "", "c_67_ab_cd", "p_67_ab_cd", "yes", "agreed")))
