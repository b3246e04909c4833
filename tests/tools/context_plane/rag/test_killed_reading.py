"""A reader that is killed wherever it is loses no document and makes none twice."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.config.store import sqlite_url
from server.storage.context_plane.documents.document_store import SqlDocumentStore
from server.storage.database import Database
from tests.contracts.context_plane.test_document_stores import document
from tests.empty_store import put_empty_store
from tests.forked.module import ForkedModule
from tools.context_plane.stores import Scope
from tools.quotas import DOCUMENTS

ADA = Scope("acme", "ada")
DOCUMENTS_WAITING = 3
#: before and after a claim, a reading and a finish; the last one is within the second document
PLACES = (1, 2, 3, 4, 5, 6, 8)


@pytest.fixture
async def waiting(tmp_path: Path) -> AsyncIterator[tuple[str, SqlDocumentStore]]:
    """A store in which documents wait to be read, and its URL."""
    put_empty_store(tmp_path / "store.sqlite3")
    url = sqlite_url(tmp_path / "store.sqlite3")
    database = Database(url)
    documents = SqlDocumentStore(database, DOCUMENTS)
    for n in range(DOCUMENTS_WAITING):
        content = f"# Page {n}\n\nThe notice period of flat {n} is {n} months.\n".encode()
        await documents.add(ADA, document(f"{n}.md", content, at_us=n + 1), content)
    yield url, documents
    await database.close()


def read(url: str, place: int) -> int | None:
    process = ForkedModule("tests.tools.context_plane.rag.reading_process", url, str(place))
    process.communicate()
    return process.returncode


async def test_whatever_place_it_is_killed_at_each_document_is_read_once(waiting: tuple[str, SqlDocumentStore]) -> None:
    url, documents = waiting
    for place in PLACES:
        ended = read(url, place)
        assert ended in (-signal.SIGKILL, 0)
    assert read(url, 0) == 0
    found = await documents.list(ADA, None, 10)
    assert sorted((each.name, each.status) for each in found) == [(f"{n}.md", "ready") for n in range(DOCUMENTS_WAITING)]
    for each in found:
        passages = await documents.passages(ADA, range(each.document_id + 1, each.document_id + 10))
        assert len(passages) == each.chunks == 1
