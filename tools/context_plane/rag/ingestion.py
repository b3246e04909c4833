"""Read the documents that wait: parse, cut, make searchable; one process's share of the queue, fair among tenants."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import anyio

from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.parsing import DocumentParser
from tools.context_plane.rag.records import MAX_CHUNKS, DocumentFailure
from tools.context_plane.rag.stores import ClaimedDocument, DocumentStore, ReadDocument

log = logging.getLogger("ascend.context")

#: at a time, in this process
READERS = 2
#: longer than a document can take (documents/document_limits.py): after it another process takes over what this one left
LEASE_S = 120.0
#: a document that ended its process so often is not tried again
MAX_ATTEMPTS = 5
#: how long what another process left may wait until it is looked for
LOOK_AGAIN_S = 30.0
RETRY_S = 2.0


class DocumentIngestion:
    """Reads documents until cancelled. Nothing is started before the first document is there: `wake` says so, or the change feed."""

    def __init__(
        self, store: DocumentStore, parser: DocumentParser, follow: Callable[[str], Awaitable[None]], lease_s: float = LEASE_S
    ) -> None:
        """`follow` has this process's index of a tenant take up what is new."""
        self._store, self._parser, self._follow, self._lease_s = store, parser, follow, lease_s
        self._woken = anyio.Event()
        #: tenants in the order in which they were served, the last one last
        self._served: OrderedDict[str, None] = OrderedDict()

    def wake(self) -> None:
        """Look into the queue now."""
        self._woken.set()

    async def run(self) -> None:
        """Read until cancelled; what is under way then waits again for whoever comes next."""
        try:
            async with anyio.create_task_group() as group:
                for _ in range(READERS):
                    group.start_soon(self._read_in_turn)
        finally:
            self._parser.close()

    async def drain(self) -> None:
        """Read all that waits, then return: for commands."""
        while (claimed := await self._claim()) is not None:
            await self._read(claimed)

    def close(self) -> None:
        """End the processes that read, after `drain`."""
        self._parser.close()

    async def _read_in_turn(self) -> None:
        while True:
            woken = self._woken
            try:
                claimed = await self._claim()
            except Exception as error:  # the store may be away; the queue is there when it is back
                log.error("documents_not_read", exc_info=error)
                await anyio.sleep(RETRY_S)
                continue
            if claimed is not None:
                await self._read(claimed)
                continue
            if woken is self._woken and woken.is_set():
                self._woken = anyio.Event()
                continue
            with anyio.move_on_after(LOOK_AGAIN_S):
                await self._woken.wait()

    async def _claim(self) -> ClaimedDocument | None:
        claimed = await self._store.claim(tuple(self._served), self._lease_s)
        if claimed is not None:
            self._served[claimed.tenant_id] = None
            self._served.move_to_end(claimed.tenant_id)
            if len(self._served) > 1_000:
                self._served.popitem(last=False)
        return claimed

    async def _read(self, claimed: ClaimedDocument) -> None:
        document = claimed.document
        if claimed.attempt > MAX_ATTEMPTS:
            await self._store.fail(claimed, _UNREADABLE)
            return
        try:
            read = await self._parsed(claimed)
            if await self._store.finish(claimed, read):
                await self._follow(claimed.tenant_id)
        except DocumentRefused as refusal:
            await self._store.fail(claimed, DocumentFailure(refusal.code, refusal.message, refusal.hint))
        except BaseException as error:
            # Cancelled, or the store is away: somebody reads it later. Whoever is cancelled has not tried.
            is_cancelled = not isinstance(error, Exception)
            with anyio.move_on_after(RETRY_S, shield=True):
                await self._store.give_back(claimed, was_tried=not is_cancelled)
            if is_cancelled:
                raise
            log.error("document_not_read", exc_info=error, extra={"facts": {"document": document.document_id, "tenant": claimed.tenant_id}})
            await anyio.sleep(RETRY_S)

    async def _parsed(self, claimed: ClaimedDocument) -> ReadDocument:
        document = claimed.document
        holder = (claimed.tenant_id, document.audience)
        parsed, chunks = await self._parser.parse_into_chunks(claimed.content, document.media_type or None, document.name, holder=holder)
        if not chunks:
            raise DocumentRefused("no_text", f"{document.name} has no text", "there is nothing in it to find; scanned pages need OCR first")
        if len(chunks) > MAX_CHUNKS:
            raise DocumentRefused("too_large", f"{document.name} has more than {MAX_CHUNKS} passages", "send it in parts")
        return ReadDocument(parsed.media_type, parsed.text, len(parsed.pages), chunks, parsed.notes)


_UNREADABLE = DocumentFailure(
    "damaged", f"reading it ended the process that read it {MAX_ATTEMPTS} times", "save it anew in another format, and send that"
)
