"""What was probably meant is found in work that neither the word nor the number of names decides."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.memory.tools import MemoryOperationStore
from tests.tools.catalog.test_catalog import catalog_of, source
from tests.tools.stand_ins import operation
from tools.catalog.suggestions import Suggestions
from tools.near_names import MAX_COMPARED, near


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return an entry for each name that was compared letter by letter so far."""
    names: list[str] = []
    ratio = SequenceMatcher.ratio

    def counted(self: SequenceMatcher[str]) -> float:
        names.append("compared")
        return ratio(self)

    monkeypatch.setattr(SequenceMatcher, "ratio", counted)
    return names


def test_the_nearest_comes_first() -> None:
    """Slips of the pen: a letter too few, two that changed places."""
    assert near("serach", ["delete", "create", "search", "reach"])[0] == "search"
    assert near("colour", ["color", "weight", "flavour"], 1) == ("color",)
    assert near("elephant", ["color", "weight"]) == ()


def test_few_names_are_compared_of_many(compared: list[str]) -> None:
    """attacks.md: 590 options for each of 200 faults."""
    assert near("zone_x17", [f"zone_{number}" for number in range(5_000)])
    assert len(compared) <= MAX_COMPARED


def test_a_word_that_nobody_types_is_not_compared(compared: list[str]) -> None:
    """attacks.md: work in the size of what was sent."""
    assert near("a" * 4_000_000, ["a" * 64]) == ()
    assert near("", ["a"]) == ()
    assert not compared


@given(word=st.text(max_size=80), known=st.lists(st.text(max_size=60), max_size=30))
def test_what_is_near_is_known(word: str, known: list[str]) -> None:
    """Nothing is invented."""
    found = near(word, known)
    assert len(found) <= 3
    assert set(found) <= set(known)


async def test_an_unknown_id_costs_the_same_in_a_large_catalogue(compared: list[str]) -> None:
    """attacks.md: 20 unknown ids took 2.3 s at 2,000 operations, and more with each."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation(f"crm.noun{number}_thing.{verb}") for number in range(1_000) for verb in ("get", "list")])
    suggestions = Suggestions(await catalog_of(store))
    assert "crm.noun77_thing.list" in suggestions.near("acme", "crm.noun77_thing.lst")
    by_one = len(compared)
    assert by_one <= 5 + 2 * MAX_COMPARED
    assert "crm.noun500_thing.get" in suggestions.near("acme", "crm.noun500_thnig.get")
