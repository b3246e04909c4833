"""A process that reads all documents that wait, and kills itself at one place: python -m …reading_process URL PLACE.

Places are counted from 1, before and after each claim, reading and finish; 0: it is not killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.storage.context_plane.documents.document_store import SqlDocumentStore
from server.storage.database import Database
from tools.context_plane.documents.parsing import DocumentParser
from tools.context_plane.rag.ingestion import DocumentIngestion
from tools.quotas import DOCUMENTS

Result = TypeVar("Result")


class KilledAt:
    """Counts the places that the process comes through."""

    def __init__(self, place: int) -> None:
        self._place, self._passed = place, 0

    def wrapped(self, work: Callable[..., Awaitable[Result]]) -> Callable[..., Awaitable[Result]]:
        async def run(*given: object, **named: object) -> Result:
            self._pass()
            result = await work(*given, **named)
            self._pass()
            return result

        return run

    def _pass(self) -> None:
        self._passed += 1
        if self._passed == self._place:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, place: int) -> None:
    database = Database(url)
    store, parser, killed = SqlDocumentStore(database, DOCUMENTS), DocumentParser(), KilledAt(place)
    for part, name in ((store, "claim"), (parser, "parse_into_chunks"), (store, "finish")):
        setattr(part, name, killed.wrapped(getattr(part, name)))

    async def follow(_tenant_id: str) -> None:
        return

    # Who is killed has no lease to speak of: the next process takes over at once.
    ingestion = DocumentIngestion(store, parser, follow, lease_s=0.0)
    await ingestion.drain()
    ingestion.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
