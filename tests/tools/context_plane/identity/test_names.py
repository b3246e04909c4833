"""Names as they are compared (context contract §1, Identity)."""

import pytest

from tools.context_plane.identity.keys import Mention, in_conflict, normal_key
from tools.context_plane.identity.names import normal_name, similarity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kahuna Inc.", "KAHUNA"),
        ("Kahuna, Ltd", "kahuna"),
        ("Müller G.m.b.H.", "Muller GmbH"),
        ("ＡＣＭＥ　Corp", "acme"),
        ("Straße AG", "STRASSE"),
        ("J. R. Smith", "JR Smith"),
        ("O'Neill", "O\u2019Neill"),
        ("Zoe\u0308", "Zoë"),
        ("Acme Co., Ltd.", "Acme"),
    ],
)
def test_how_a_name_is_written_makes_no_difference(one: str, other: str) -> None:
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Inc. Magazine", "Magazine"), ("Apple", "Apple Music"), ("!!!", "???"), ("か", "が"), ("GmbH", "AG"), ("Co", ""), ("🐳", "🐬")],
)
def test_who_it_is_does(one: str, other: str) -> None:
    assert normal_name(one) != normal_name(other)


def test_names_are_alike_by_their_trigrams() -> None:
    assert similarity("kahuna", "kahuna") == 1.0
    assert similarity("kahuna group", "kahuna") >= 0.5
    assert similarity("kahuna", "wave") < 0.2


@pytest.mark.parametrize(
    ("kind", "key", "normal"),
    [
        ("email", " Dana@Kahuna.Example ", "dana@kahuna.example"),
        ("domain", "https://WWW.kahuna.example/", "kahuna.example"),
        ("phone", "+49 (30) 12-34", "+49301234"),
        ("alias", "The Big Kahuna, Inc.", "the big kahuna"),
        ("salesforce", "0015g00000XyZ12AAB", "0015g00000XyZ12AAB"),
    ],
)
def test_keys_are_compared_as_their_kind_is(kind: str, key: str, normal: str) -> None:
    assert normal_key(kind, key) == normal


def test_two_record_ids_of_one_source_are_two_records_and_two_aliases_are_one_thing() -> None:
    assert in_conflict([("crm", "1")], [("crm", "2")])
    assert not in_conflict([("crm", "1")], [("crm", "2"), ("crm", "1")])
    assert not in_conflict([("crm", "1")], [("gong", "2")])
    assert not in_conflict([("alias", "a")], [("alias", "b")])


def test_a_mention_is_its_words() -> None:
    assert Mention(name="Kahuna Inc") != Mention(name="Kahuna")
    assert Mention(name="Kahuna Inc").normal_name == "kahuna"


def test_a_letter_that_becomes_eighteen_makes_no_name_longer_than_an_index_takes() -> None:
    assert len(normal_name("\ufdfa" * 300).encode()) <= 1_200
