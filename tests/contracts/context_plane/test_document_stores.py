"""What every store of documents promises, on SQLite and on PostgreSQL."""

import hashlib
from dataclasses import replace

import anyio
import pytest

from server.storage.context_plane.documents.document_store import SqlDocumentStore
from server.storage.database import Database
from tools.context_plane.documents.chunking import Chunk
from tools.context_plane.rag.records import DocumentFailure, DocumentFilter, DocumentRecord, new_document_id
from tools.context_plane.rag.stores import ClaimedDocument, ReadDocument
from tools.context_plane.stores import Scope
from tools.errors import QuotaExceeded
from tools.quotas import DOCUMENTS, MB, Quota

ADA, BO, ELSEWHERE = Scope("acme", "ada"), Scope("acme", "bo"), Scope("globex", "ada")
TEXT = "The notice period is three months. Keys are handed back on the last day. 鍵は最終日に返す。"
READ = ReadDocument("text/plain", TEXT, 0, (Chunk(1, 0, 34, None, ""), Chunk(2, 35, len(TEXT), None, "Keys")), ())


@pytest.fixture
def documents(sql_database: Database) -> SqlDocumentStore:
    return SqlDocumentStore(sql_database, DOCUMENTS)


def document(name: str = "handbook.txt", content: bytes = b"bytes", audience: str = "", at_us: int = 1) -> DocumentRecord:
    return DocumentRecord(new_document_id(), audience, name, "", hashlib.sha256(content).hexdigest(), len(content), at_us)


async def claimed(documents: SqlDocumentStore, *served: str) -> ClaimedDocument:
    found = await documents.claim(served, 60)
    assert found is not None
    return found


async def ready(documents: SqlDocumentStore, scope: Scope, wanted: DocumentRecord, content: bytes = b"bytes") -> DocumentRecord:
    await documents.add(scope, wanted, content)
    assert await documents.finish(await claimed(documents), READ)
    found = await documents.get(scope, wanted.document_id)
    assert found is not None
    return found


async def test_a_document_waits_with_its_bytes_and_is_ready_without_them(documents: SqlDocumentStore) -> None:
    added = await documents.add(ADA, document(), b"bytes")
    assert added.is_new
    taken = await claimed(documents)
    assert (taken.content, taken.attempt) == (b"bytes", 1)
    assert await documents.finish(taken, READ)
    found = await documents.get(BO, added.document.document_id)
    assert found is not None
    assert (found.status, found.chunks, found.chars) == ("ready", 2, len(TEXT))
    assert await documents.claim((), 60) is None


async def test_the_same_bytes_are_the_same_document(documents: SqlDocumentStore) -> None:
    first = await ready(documents, ADA, document())
    again = await documents.add(BO, document("other name"), b"bytes")
    assert not again.is_new
    assert again.document == first


async def test_the_same_bytes_at_once_are_one_document(documents: SqlDocumentStore) -> None:
    new: list[bool] = []

    async def add() -> None:
        new.append((await documents.add(ADA, document(), b"bytes")).is_new)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(add)
    assert sorted(new) == [False] * 5 + [True]


async def test_a_document_that_failed_is_read_again_when_it_is_sent_again(documents: SqlDocumentStore) -> None:
    await documents.add(ADA, document(), b"bytes")
    await documents.fail(await claimed(documents), DocumentFailure("damaged", "it is damaged", "send it again"))
    failed = (await documents.list(ADA, None, 10))[0]
    assert (failed.status, failed.error) == ("failed", DocumentFailure("damaged", "it is damaged", "send it again"))
    assert (await documents.add(ADA, document(), b"bytes")).is_new
    assert [each.status for each in await documents.list(ADA, None, 10)] == ["queued"]


async def test_a_changed_document_replaces_the_one_of_its_name_when_it_is_ready(documents: SqlDocumentStore) -> None:
    old = await ready(documents, ADA, document())
    new = document(content=b"changed", at_us=2)
    await documents.add(ADA, new, b"changed")
    assert await documents.get(ADA, old.document_id) == old
    assert await documents.finish(await claimed(documents), READ)
    assert [each.document_id for each in await documents.list(ADA, None, 10)] == [new.document_id]


async def test_an_older_version_that_is_read_last_replaces_nothing(documents: SqlDocumentStore) -> None:
    old, new = document(at_us=1), document(content=b"changed", at_us=2)
    await documents.add(ADA, old, b"bytes")
    slow = await claimed(documents)
    await ready(documents, ADA, new, b"changed")
    assert not await documents.finish(slow, READ)
    assert [each.document_id for each in await documents.list(ADA, None, 10)] == [new.document_id]


async def test_deleting_wins_over_a_reading_under_way(documents: SqlDocumentStore) -> None:
    wanted = document()
    await documents.add(ADA, wanted, b"bytes")
    taken = await claimed(documents)
    assert await documents.delete(ADA, wanted.document_id)
    assert not await documents.finish(taken, READ)
    assert not await documents.list(ADA, None, 10)
    assert not await documents.delete(ADA, wanted.document_id)


async def test_a_document_whose_reader_is_silent_is_read_by_another(documents: SqlDocumentStore) -> None:
    await documents.add(ADA, document(), b"bytes")
    silent = await documents.claim((), 0.0)
    assert silent is not None
    taken = await claimed(documents)
    assert taken.attempt == 2
    assert not await documents.finish(silent, READ)
    assert await documents.finish(taken, READ)


async def test_who_is_cancelled_has_not_tried(documents: SqlDocumentStore) -> None:
    await documents.add(ADA, document(), b"bytes")
    await documents.give_back(await claimed(documents), was_tried=False)
    taken = await claimed(documents)
    assert taken.attempt == 1
    await documents.give_back(taken, was_tried=True)
    assert (await claimed(documents)).attempt == 2


async def test_a_tenant_with_a_thousand_documents_lets_the_other_go_before(documents: SqlDocumentStore) -> None:
    for n in range(3):
        await documents.add(ADA, document(f"{n}", f"{n}".encode(), at_us=n), b"%d" % n)
    await documents.add(ELSEWHERE, document("theirs", b"theirs", at_us=9), b"theirs")
    first = await claimed(documents)
    assert (first.tenant_id, first.document.name) == ("acme", "0")
    assert (await claimed(documents, "acme")).tenant_id == "globex"
    assert (await claimed(documents, "acme", "globex")).tenant_id == "acme"


async def test_private_documents_and_other_tenants_look_like_nothing(documents: SqlDocumentStore) -> None:
    private = await ready(documents, ADA, document(audience="ada"))
    assert await documents.get(ADA, private.document_id) == private
    for stranger in (BO, ELSEWHERE):
        assert await documents.get(stranger, private.document_id) is None
        assert not await documents.list(stranger, None, 10)
        assert not await documents.passages(stranger, [private.document_id + 1])
        assert not await documents.find(stranger, DocumentFilter(names=("handbook.txt",)), 10)
        assert not await documents.delete(stranger, private.document_id)
    assert await documents.get(ADA, private.document_id) == private


async def test_a_passage_is_the_slice_of_the_text_in_characters(documents: SqlDocumentStore) -> None:
    kept = await ready(documents, ADA, document())
    found = await documents.passages(BO, [kept.document_id + 1, kept.document_id + 2, kept.document_id + 3])
    assert [(found[row].start, found[row].text, found[row].heading) for row in sorted(found)] == [
        (0, TEXT[:34], ""),
        (35, TEXT[35:], "Keys"),
    ]


async def test_a_list_goes_on_where_it_stopped(documents: SqlDocumentStore) -> None:
    for n in range(5):
        await documents.add(ADA, document(f"{n}", f"{n}".encode(), at_us=n // 2), b"%d" % n)
    names: list[str] = []
    place = None
    while page := await documents.list(ADA, place, 2):
        names += [each.name for each in page]
        place = (page[-1].created_at_us, page[-1].document_id)
    assert sorted(names) == ["0", "1", "2", "3", "4"]
    assert names[0] == "4"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (DocumentFilter(), 2),
        (DocumentFilter(names=("a", "zzz")), 1),
        (DocumentFilter(media_types=("text/plain",)), 2),
        (DocumentFilter(metadata={"team": "people"}), 1),
        (DocumentFilter(metadata={"team": "people", "year": 2026}), 1),
        (DocumentFilter(metadata={"year": 2026.0}), 2),
        (DocumentFilter(metadata={"team": "people", "year": 2025}), 0),
        (DocumentFilter(metadata={"final": True}), 1),
        (DocumentFilter(metadata={"absent": "x"}), 0),
        (DocumentFilter(document_ids=(1,)), 0),
    ],
)
async def test_a_filter_leaves_what_fits_all_of_it(documents: SqlDocumentStore, wanted: DocumentFilter, count: int) -> None:
    await ready(documents, ADA, replace(document("a", b"a"), metadata={"team": "people", "year": 2026}), b"a")
    await ready(documents, ADA, replace(document("b", b"b"), metadata={"year": 2026, "final": True}), b"b")
    assert len(await documents.find(BO, wanted, 10)) == count


async def test_an_index_learns_of_everything_once_and_in_order(documents: SqlDocumentStore) -> None:
    first = await ready(documents, ADA, document("a", b"a"), b"a")
    second = await ready(documents, ADA, document("b", b"b"), b"b")
    news = await documents.documents_since("acme", 0, most_chunks=2)
    assert ([each.document for each in news.ready], news.is_all) == ([first], False)
    assert [passage.text for passage in news.ready[0].passages] == [TEXT[:34], TEXT[35:]]
    rest = await documents.documents_since("acme", news.revision, most_chunks=2)
    assert ([each.document for each in rest.ready], rest.is_all) == ([second], True)
    assert rest.revision == await documents.revision("acme")
    await documents.delete(ADA, first.document_id)
    gone = await documents.documents_since("acme", rest.revision, most_chunks=2)
    assert [list(rows) for rows in gone.gone] == [[first.document_id + 1, first.document_id + 2]]
    assert await documents.revision("globex") == 0


async def test_what_has_no_room_is_refused_and_nothing_is_kept(sql_database: Database) -> None:
    quotas = replace(DOCUMENTS, person=Quota(1, MB), tenant=Quota(2, MB))
    documents = SqlDocumentStore(sql_database, quotas)
    await documents.add(ADA, document("a", b"a"), b"a")
    with pytest.raises(QuotaExceeded, match="one person"):
        await documents.add(ADA, document("b", b"b"), b"b")
    await documents.add(BO, document("c", b"c"), b"c")
    with pytest.raises(QuotaExceeded, match="whole tenant"):
        await documents.add(Scope("acme", "eve"), document("d", b"d"), b"d")
    assert {each.name for each in await documents.list(ADA, None, 10)} == {"a", "c"}
