"""Faults of a value that may be one of several things name the one that was meant."""

import json
from typing import Any

import pytest

from tools.dispatch.arguments import Validators
from tools.sources.openapi.import_document import import_document

PET: dict[str, Any] = {
    "oneOf": [{"$ref": "#/components/schemas/Dog"}, {"$ref": "#/components/schemas/Cat"}],
    "discriminator": {"propertyName": "petType", "mapping": {"dog": "#/components/schemas/Dog", "cat": "#/components/schemas/Cat"}},
}
DOG = {
    "type": "object",
    "required": ["petType", "packSize"],
    "properties": {"petType": {"type": "string"}, "packSize": {"type": "integer"}},
}
CAT = {"type": "object", "required": ["petType", "name"], "properties": {"petType": {"type": "string"}, "name": {"type": "string"}}}
BASE = {
    "type": "object", "required": ["petType"], "properties": {"petType": {"type": "string"}},
    "discriminator": {"propertyName": "petType", "mapping": {"dog": "#/components/schemas/Hound"}},
}  # fmt: skip
HOUND = {
    "allOf": [
        {"$ref": "#/components/schemas/Base"},
        {"type": "object", "required": ["packSize"], "properties": {"packSize": {"type": "integer"}}},
    ]
}
SCHEMAS = {"Dog": DOG, "Cat": CAT, "Base": BASE, "Hound": HOUND}


def message(schema: dict[str, Any], body: Any) -> str:
    content = {"application/json": {"schema": {"type": "object", "required": ["pet"], "properties": {"pet": schema}}}}
    paths = {"/s": {"post": {"requestBody": {"required": True, "content": content}, "responses": {}}}}
    document = {
        "openapi": "3.0.3",
        "info": {},
        "servers": [{"url": "https://a.example"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }
    (operation,) = import_document(json.dumps(document).encode(), provider="api", tenant_id=None, location="d.json").operations
    refusal = Validators().refusal(operation, {"pet": body})
    assert refusal is not None
    return refusal.message


@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
def test_the_discriminator_names_the_branch(word: str) -> None:
    schema = {word: PET["oneOf"], "discriminator": PET["discriminator"]}
    assert message(schema, {"petType": "dog"}) == "arguments.pet.packSize is missing; it is required"
    assert message(schema, {"petType": "cat", "name": 1}) == "arguments.pet.name: 1 is not of type string"


def test_an_unknown_value_is_answered_with_those_that_there_are() -> None:
    assert message(PET, {"petType": "bird"}) == "arguments.pet.petType: 'bird' is not one of 'dog', 'cat'"
    assert "did you mean 'dog'?" in message(PET, {"petType": "dogg"})


def test_a_member_that_every_branch_needs_is_named() -> None:
    assert message(PET, {"name": "Tom"}) == "arguments.pet.petType is missing; it is required"


def test_a_fixed_value_tells_branches_apart_without_a_discriminator() -> None:
    branches = [
        {"type": "object", "properties": {"kind": {"const": kind}, kind: {"type": "integer"}}, "required": ["kind", kind]} for kind in "ab"
    ]
    assert message({"oneOf": branches}, {"kind": "b"}) == "arguments.pet.b is missing; it is required"
    assert message({"oneOf": [*branches, {"type": "string"}]}, {"kind": "c"}) == "arguments.pet.kind: 'c' is not one of 'a', 'b'"


def test_a_subtype_is_named_by_its_types_discriminator() -> None:
    assert "packSize is missing" in message({"$ref": "#/components/schemas/Base"}, {"petType": "dog"})
