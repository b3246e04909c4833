"""How the index changes while it is searched."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from capability_index.documents import Document
from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from tests.examples import examples

ALL = Visible(("*",))


def made(slug: str, text: str, provider: str = "p") -> Document:
    return Document(slug, f"Do {text}", f"Does {text} for {slug}.", provider=provider)


def test_what_did_not_change_is_not_encoded_again(table: WordTable, catalogue: list[Document]) -> None:
    """issue 4: content hashes."""
    index = CapabilityIndex(table)
    index.upsert("*", catalogue)
    built: list[int] = []
    report = index.upsert("*", catalogue, lambda done, total: built.append(done))
    assert (report.added, report.changed, report.unchanged) == (0, 0, len(catalogue))
    assert built == []


def test_a_changed_document_is_found_by_its_new_words_only(index: CapabilityIndex) -> None:
    """issue 4: incremental upsert."""
    index.upsert("*", [Document("sea", "getSwell", "Swell along the coast.")])
    report = index.upsert("*", [Document("sea", "getTides", "Tides of a harbour.")])
    assert (report.added, report.changed) == (0, 1)
    assert index.search("tides of the harbour", ALL).hits[0].slug == "sea"
    assert not any("words: swell" in reason for hit in index.search("swell", ALL, explain=True).hits for reason in hit.reasons)


def test_replacing_a_provider_leaves_the_others(index: CapabilityIndex, catalogue: list[Document]) -> None:
    """design/contracts.md: an import is the whole of what its provider brings."""
    report = index.replace_group("*", "crm", [catalogue[0], made("crm.new", "audits", "crm")])
    assert (report.added, report.unchanged, report.removed) == (1, 1, 3)
    assert index.count("*") == len(catalogue) - 2
    assert index.replace_group("*", "crm", []).removed == 2


def test_the_last_of_two_documents_with_one_slug_counts(table: WordTable) -> None:
    """A slug is unique in a segment."""
    index = CapabilityIndex(table)
    index.upsert("*", [made("a", "apples"), made("a", "pears")])
    assert index.count("*") == 1
    assert index.search("pears", ALL, 5, explain=True).hits[0].reasons[0].startswith("words: pears")


def test_a_dropped_segment_is_gone(index: CapabilityIndex) -> None:
    """A tenant that leaves takes its catalogue along."""
    index.drop("*")
    assert index.search("email", ALL).hits == ()
    assert index.count("*") == 0


@examples(25)
@given(st.lists(st.tuples(st.sampled_from("ud"), st.lists(st.integers(0, 30), max_size=12), st.integers(0, 3)), max_size=12))
def test_any_history_ends_in_what_it_wrote(table: WordTable, history: list[tuple[str, list[int], int]]) -> None:
    """Parts that merge and rows that die never lose or revive a document."""
    index = CapabilityIndex(table)
    expected: dict[str, Document] = {}
    for action, numbers, version in history:
        if action == "u":
            documents = [made(f"op{number}", f"thing{number} v{version}") for number in numbers]
            expected |= {document.slug: document for document in documents}
            index.upsert("*", documents)
        else:
            gone = {f"op{number}" for number in numbers}
            assert index.delete("*", sorted(gone)) == len(gone & expected.keys())
            expected = {slug: document for slug, document in expected.items() if slug not in gone}
    fresh = CapabilityIndex(table)
    fresh.upsert("*", expected.values())
    found = index.search("thing5", ALL, 40)
    assert {hit.slug for hit in found.hits} == set(expected) == {hit.slug for hit in fresh.search("thing5", ALL, 40).hits}
    assert index.count("*") == len(expected)
    assert index.upsert("*", expected.values()).unchanged == len(expected)
    segment = index.segments()["*"] if expected else None
    assert segment is None or len(segment.shards) <= 6


def test_readers_see_whole_states_while_a_writer_writes(table: WordTable) -> None:
    """issue 4: readers on an immutable snapshot."""
    index = CapabilityIndex(table)
    index.upsert("*", [made(f"op{at}", "mail") for at in range(60)])
    wrong: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            count = len(index.search("do mail", ALL, 200).hits)
            if count not in (60, 90):
                wrong.append(count)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        index.upsert("*", [made(f"more{at}", "mail") for at in range(30)])
        index.delete("*", [f"more{at}" for at in range(30)])
    done.set()
    for reader in readers:
        reader.join(10)
    assert wrong == []


def test_many_threads_ask_different_things(index: CapabilityIndex) -> None:
    """What is remembered of words is shared by all threads."""
    failures: list[BaseException] = []

    def ask(thread: int) -> None:
        try:
            for at in range(60):
                assert index.search(f"find{at} orders{thread} of{at * thread} customers and thing{at}", ALL, 3).hits
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert failures == []


def test_progress_is_told_to_the_end(table: WordTable, catalogue: list[Document]) -> None:
    """issue 4: progress bar on builds."""
    seen: list[tuple[int, int]] = []
    CapabilityIndex(table).upsert("*", catalogue, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(catalogue), len(catalogue))
