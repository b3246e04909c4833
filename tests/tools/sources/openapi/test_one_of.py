"""oneOf is exactly one, as far as the branches can be told apart; a discriminator says which is meant."""

from typing import Any

import pytest

from tests.tools.sources.openapi.small_documents import accepts, post
from tools.operation import Json


def choice(*branches: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["it"], "properties": {"it": {"oneOf": list(branches), **fields}}}


def needs(*names: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(names), "properties": {name: {"type": "string"} for name in names}, **fields}


@pytest.mark.parametrize(
    ("branches", "fitting", "refused"),
    [
        ([needs("card"), needs("iban")], [{"card": "1"}, {"iban": "2"}], [{"card": "1", "iban": "2"}, {}]),
        ([{"type": "string"}, {"type": "array", "items": {"type": "string"}}], ["a", ["a"]], [3, [3]]),
        ([{"type": "string", "enum": ["all"]}, {"type": "string", "pattern": "^[0-9]+$"}], ["all"], [3]),
        (
            [
                {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
                {"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": False},
            ],
            [{"a": "1"}, {"b": "2"}],
            [{}, {"a": "1", "b": "2"}],
        ),
        (
            [{"allOf": [needs("a"), needs("b")]}, needs("c")],
            [{"a": "1", "b": "1"}, {"c": "1"}],
            [{"a": "1"}, {"a": "1", "b": "1", "c": "1"}],
        ),
    ],
)
def test_exactly_one_branch_may_fit(branches: list[Any], fitting: list[Any], refused: list[Any]) -> None:
    """Issue "Calling any API": oneOf/anyOf/allOf/discriminator; JSON Schema 2020-12 §10.2.1.3."""
    operation = post(choice(*branches))
    assert all(accepts(operation, {"it": value}) for value in fitting)
    assert not any(accepts(operation, {"it": value}) for value in refused)


@pytest.mark.parametrize(
    ("branches", "fitting"),
    [
        ([{"type": "integer"}, {"type": "number"}], [1, 1.5]),
        ([{"type": "string"}, {"type": "string", "format": "date"}], ["soon", "2026-11-21"]),
        (
            [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "string"}}}],
            [{}, {"a": "1"}],
        ),
        ([needs("id"), needs("id", "name")], [{"id": "1"}, {"id": "1", "name": "n"}]),
        ([needs("id"), {}], [{"id": "1"}, 3]),
        ([needs("id"), needs("id")], [{"id": "1"}]),
    ],
)
def test_branches_that_overlap_wholly_do_not_shut_each_other_out(branches: list[Any], fitting: list[Any]) -> None:
    """docs/decisions/0015: by the letter nothing would fit the branch that lies within the other."""
    operation = post(choice(*branches))
    assert all(accepts(operation, {"it": value}) for value in fitting)


def test_one_of_two_members_of_a_body_is_enough_and_both_are_too_many() -> None:
    """A body that is a choice of required members stays a list of arguments."""
    body = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    operation = post({**body, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]})
    assert [accepts(operation, given) for given in ({"a": "1"}, {"b": "1"})] == [True, True]
    assert [accepts(operation, given) for given in ({"a": "1", "b": "1"}, {})] == [False, False]


CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "lives": {"type": "string"}}}
REFS = ({"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"})


@pytest.mark.parametrize(
    ("discriminator", "cat", "dog"),
    [
        ({"propertyName": "kind", "mapping": {"tabby": REFS[0]["$ref"], "siam": "Cat", "hound": REFS[1]["$ref"]}}, "siam", "hound"),
        ({"propertyName": "kind"}, "Cat", "Dog"),
    ],
)
@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
def test_a_discriminator_picks_the_branch(discriminator: Any, cat: str, dog: str, word: str) -> None:
    """OpenAPI 3.1 §4.8.25: the mapping, or without one the names of the schemas."""
    pet = {word: list(REFS), "discriminator": discriminator}
    operation = post({"type": "object", "required": ["pet"], "properties": {"pet": pet}}, Cat=CAT, Dog=DOG)
    assert accepts(operation, {"pet": {"kind": cat, "lives": 9}})
    assert accepts(operation, {"pet": {"kind": dog, "lives": "one"}})
    assert not accepts(operation, {"pet": {"kind": dog, "lives": 9}})
    assert not accepts(operation, {"pet": {"kind": "fish"}})
    assert not accepts(operation, {"pet": {"lives": 9}})


def test_what_a_branch_says_of_its_discriminator_itself_comes_first() -> None:
    """Documents forget the mapping and name the word in the branch, or show it in an example."""
    cat = {**CAT, "properties": {"kind": {"type": "string", "example": "cat"}}}
    dog = {**DOG, "properties": {"kind": {"type": "string", "enum": ["dog"]}}}
    pet: Json = {"oneOf": list(REFS), "discriminator": {"propertyName": "kind"}}
    operation = post({"type": "object", "required": ["pet"], "properties": {"pet": pet}}, Cat=cat, Dog=dog)
    assert accepts(operation, {"pet": {"kind": "cat"}})
    assert accepts(operation, {"pet": {"kind": "dog"}})


def test_subtypes_are_told_apart_by_the_mapping_of_their_type() -> None:
    """Inheritance: the discriminator stands in the type that the subtypes extend."""
    mapping = {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}
    pet = {**needs("kind"), "discriminator": {"propertyName": "kind", "mapping": mapping}}
    base = {"$ref": "#/components/schemas/Pet"}
    cat, dog = {"allOf": [base, needs("lives")]}, {"allOf": [base, needs("bark")]}
    operation = post({"type": "object", "required": ["pet"], "properties": {"pet": base}}, Pet=pet, Cat=cat, Dog=dog)
    assert accepts(operation, {"pet": {"kind": "cat", "lives": "9"}})
    assert not accepts(operation, {"pet": {"kind": "dog", "lives": "9"}})


def test_the_parts_of_an_object_may_each_call_themselves_closed() -> None:
    """A trap of JSON Schema that generators fall into: each part would refuse the members of the others."""
    closed = {"additionalProperties": False}
    base = {"type": "object", "properties": {"id": {"type": "string"}}, **closed}
    whole = {"allOf": [{"$ref": "#/components/schemas/Base"}, {**needs("name"), **closed}], **closed}
    operation = post({"type": "object", "properties": {"it": whole, "base": {"$ref": "#/components/schemas/Base"}}}, Base=base)
    assert accepts(operation, {"it": {"id": "1", "name": "n"}})
    assert not accepts(operation, {"it": {"id": "1"}})
    assert not accepts(operation, {"it": {"name": "n", "other": 1}})
    assert not accepts(operation, {"base": {"id": "1", "name": "n"}})


def test_a_choice_of_members_leaves_out_what_only_the_server_sets() -> None:
    """A branch that asks for a readOnly member can be chosen by nobody."""
    body = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "readOnly": True}}}
    operation = post({**body, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})
    assert [accepts(operation, given) for given in ({"a": "1"}, {})] == [True, False]
