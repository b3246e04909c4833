"""Segments share nothing, and what is forgotten is gone: statistics, hits, memory and files."""

import gc
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from capability_index import snapshot, words
from capability_index.corpora import FACTS, PASSAGES
from capability_index.encoders.encoder import WordTable
from capability_index.errors import SnapshotInvalid
from capability_index.text_index import Found, Mask, Text, TextIndex
from capability_index.words import word_set

EVER = 2**62
WORDS = sorted(word_set("deal stage champion owner renewal budget Kahuna Initech Maria Lopez Stone board contract price risk"))
ONE, OTHER = "one/facts", "other/facts"


def facts(chance: random.Random, count: int, first: int = 0, more: Sequence[str] = ()) -> list[Text]:
    return [fact(row, " ".join(chance.choices([*WORDS, *more], k=chance.randint(2, 7)))) for row in range(first, first + count)]


def fact(row: int, text: str, **columns: int) -> Text:
    known = dict.fromkeys(FACTS.columns, 0) | {"valid_to": EVER, "retired_at": EVER}
    return Text(row, {"text": text, "subject": text.split()[0]}, {**known, **columns})


def passage(row: int, text: str) -> Text:
    return Text(row, {"text": text}, dict.fromkeys(PASSAGES.columns, 0) | {"n": row})


def plain(found: Found) -> list[tuple[int, float, float, float]]:
    return [(hit.row, round(hit.score, 4), round(hit.lexical, 4), round(hit.vector, 4)) for hit in found.hits]


def test_what_another_tenant_writes_changes_no_score(table: WordTable) -> None:
    """issue 14: two tenants with the same words: no crossing, equal statistics, whatever is written beside them."""
    chance, index, alone = random.Random(7), TextIndex(table), TextIndex(table)
    rows = facts(chance, 120)
    for start in range(0, len(rows), 40):
        index.upsert(ONE, FACTS, rows[start : start + 40])
        alone.upsert(ONE, FACTS, rows[start : start + 40])
        index.upsert(OTHER, FACTS, facts(chance, 60, 10_000 + start, ["Kahuna"] * 20))
    index.delete(OTHER, range(10_000, 10_030))
    for _ in range(60):
        query = " ".join(chance.choices(WORDS, k=chance.randint(1, 6)))
        assert index.search(ONE, query, Mask()) == alone.search(ONE, query, Mask())
        assert all(hit.row >= 10_000 for hit in index.search(OTHER, query, Mask()).hits)


def test_the_same_rows_score_the_same_however_they_came(table: WordTable) -> None:
    """Lengths are relative to the mean of the segment, which a rewritten part takes anew."""
    chance, whole, piecemeal = random.Random(3), TextIndex(table), TextIndex(table)
    rows = facts(chance, 64)
    whole.upsert(ONE, FACTS, rows)
    for row in rows:
        piecemeal.upsert(ONE, FACTS, [row])
    for query in ("who is the champion of Kahuna", "renewal budget", "Maria Lopez"):
        assert plain(piecemeal.search(ONE, query, Mask(), 5)) == plain(whole.search(ONE, query, Mask(), 5))


@pytest.mark.parametrize("name", ["Zelenograd", "Qwertzuiopolis"])
def test_nothing_of_a_deleted_row_stays_in_memory_or_in_files(table: WordTable, tmp_path: Path, name: str) -> None:
    """issue 14: after forgetting, a byte search of the index files and caches finds nothing."""
    index = TextIndex(table)
    index.upsert(ONE, FACTS, [*facts(random.Random(1), 50), fact(900, f"{name} champion Maria")])
    index.upsert(
        "one/passages", PASSAGES, [passage(1, f"{name} was here. It rained all day. Nobody saw {name}."), passage(2, "It rained.")]
    )
    index.save(tmp_path)
    assert name.lower().encode() in content(tmp_path)
    index.delete(ONE, [900])
    index.delete("one/passages", [1])
    for segment in (ONE, "one/passages"):
        index.compact(segment)
    index.save(tmp_path)
    assert name.lower()[:7].encode() not in content(tmp_path).lower()
    assert not [word for word in words._stem_by_word if word.startswith(name.lower()[:7])]
    gc.collect()
    held = [each for each in gc.get_objects() if isinstance(each, dict) and name.lower() in each]
    assert not held
    assert index.search(ONE, f"{name} champion", Mask()).hits[0].row < 900


def test_a_new_process_finds_what_was_saved_and_nothing_that_was_deleted(table: WordTable, tmp_path: Path) -> None:
    """A delete that was saved without compacting is remembered too."""
    index, again = TextIndex(table), TextIndex(table)
    index.upsert(ONE, FACTS, facts(random.Random(5), 30))
    index.delete(ONE, [3, 4])
    index.save(tmp_path)
    again.load(tmp_path)
    assert again.count(ONE) == 28
    again.upsert(ONE, FACTS, [fact(3, "Kahuna: something new")])
    assert again.search(ONE, "something new at Kahuna", Mask()).hits[0].row == 3


def test_a_saved_part_with_other_columns_is_refused(table: WordTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers under another name would be another condition."""
    index = TextIndex(table)
    index.upsert(ONE, FACTS, facts(random.Random(5), 3))
    index.save(tmp_path)
    monkeypatch.setattr(snapshot, "CORPORA", {"facts": PASSAGES})
    with pytest.raises(SnapshotInvalid, match="build the index anew"):
        TextIndex(table).load(tmp_path)


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
