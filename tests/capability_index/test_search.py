"""What a search finds, for whom, and how the index lives on."""

from pathlib import Path

import pytest

from capability_index.documents import Document, ParameterText
from capability_index.encoder import WordTable, load_word_table
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.snapshot import SnapshotInvalid, load, save


@pytest.fixture(scope="module")
def table() -> WordTable:
    return load_word_table()


CRM = [
    Document("crm.contacts.search", "Search contacts", "Find people in the CRM by name or email.", provider="crm"),
    Document("crm.deals.create", "Create deal", "Open a sales opportunity.", "", (ParameterText("amount"),), provider="crm"),
    Document("weather.forecast", "getForecast", "Weather forecast for a city.", provider="weather"),
]


def slugs(index: CapabilityIndex, intent: str, *segments: str) -> list[str]:
    return [hit.slug for hit in index.search(intent, Visible(segments), 10).hits]


def test_the_operation_that_is_meant_comes_first(table: WordTable) -> None:
    """issue 4: it must find what the agent means."""
    index = CapabilityIndex(table)
    index.upsert("*", CRM)
    assert slugs(index, "will it rain in Oslo tomorrow?", "*")[0] == "weather.forecast"


def test_a_tenant_never_finds_what_another_tenant_has(table: WordTable) -> None:
    """issue 4: visibility before ranking."""
    index = CapabilityIndex(table)
    index.upsert("a", CRM[:1])
    index.upsert("b", CRM[1:])
    assert slugs(index, "create a deal", "a") == ["crm.contacts.search"]


def test_a_saved_index_answers_as_before(table: WordTable, tmp_path: Path) -> None:
    """issue 4: crash-safe save and load."""
    index = CapabilityIndex(table)
    index.upsert("*", CRM)
    index.delete("*", ["crm.deals.create"])
    save(index.segments(), tmp_path, table.model)
    other = CapabilityIndex(table)
    other.adopt(load(tmp_path, table.model))
    assert other.search("open a deal", Visible(("*",)), 5) == index.search("open a deal", Visible(("*",)), 5)


def test_a_damaged_snapshot_is_refused(table: WordTable, tmp_path: Path) -> None:
    """The manifest holds the hash of every file."""
    index = CapabilityIndex(table)
    index.upsert("*", CRM)
    save(index.segments(), tmp_path, table.model)
    (part,) = tmp_path.glob("*.part")
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotInvalid, match="damaged"):
        load(tmp_path, table.model)
