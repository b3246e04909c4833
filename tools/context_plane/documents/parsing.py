"""Documents from bytes to text, read by a process that others' documents may break without breaking anything else."""

import asyncio
import signal

from tools.child_processes.child import ChildEnded
from tools.child_processes.pool import ChildPool, OutOfTime
from tools.context_plane.documents.chunking import Chunk
from tools.context_plane.documents.document_limits import CPU_S, MAX_BYTES, MAX_S, MEMORY_BYTES, PLACES, PROCESS
from tools.context_plane.documents.document_refused import DocumentRefused as DocumentRefused  # callers know it from here
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.parser_messages import read_answer, request
from tools.fair_semaphore import GATEWAY, Holder

_WHAT = "the processes that read documents"
#: how libraries that cannot go on without memory end their process
_NO_MEMORY = (-signal.SIGABRT, -signal.SIGILL, -signal.SIGTRAP)
_CHILD = "tools.context_plane.documents.parser_child"


class DocumentParser:
    """Has documents read by at most PLACES processes, shared fairly by tenants and persons, one person each. For one event loop.

    Every method raises DocumentRefused, where the document is at fault, and tools.errors.Busy, where a thousand of the same person
    wait already: nothing was begun. Nothing else. A caller that is cancelled ends the process that reads for it.
    """

    def __init__(self) -> None:
        self._children = ChildPool(PLACES, _WHAT, _CHILD, PROCESS.idle_s, apart=True)

    async def parse(self, content: bytes, media_type: str | None, name: str, *, holder: Holder = GATEWAY) -> ParsedDocument:
        """Return what a document says. What was declared, and the name, decide between kinds of text alone: bytes tell the rest."""
        document, _ = await self._read(content, media_type, name, holder, cut=False)
        return document

    async def parse_into_chunks(
        self, content: bytes, media_type: str | None, name: str, *, holder: Holder = GATEWAY
    ) -> tuple[ParsedDocument, tuple[Chunk, ...]]:
        """Return what a document says and its chunks (chunking.chunks_of), cut where nobody waits for it."""
        return await self._read(content, media_type, name, holder, cut=True)

    async def _read(
        self, content: bytes, media_type: str | None, name: str, holder: Holder, *, cut: bool
    ) -> tuple[ParsedDocument, tuple[Chunk, ...]]:
        if len(content) > MAX_BYTES:
            raise DocumentRefused("too_large", f"it is larger than {MAX_BYTES // 1_000_000} MB", "split it, and send the parts")
        try:
            parts = await self._children.ask(lambda: request(content, media_type, name, cut=cut), holder, max_s=MAX_S)
        except OutOfTime:
            raise _too_slow(f"{MAX_S:.0f} s") from None
        except ChildEnded as ended:
            raise _refused_by_end(ended.code) from None
        return await asyncio.to_thread(read_answer, parts)

    def close(self) -> None:
        """End the processes that wait for documents."""
        self._children.close()


def _refused_by_end(code: int | None) -> DocumentRefused:
    """Return the refusal of a document whose reading ended the process; `code` is its exit code, negative for a signal."""
    if code == -signal.SIGXCPU:
        return _too_slow(f"{CPU_S} s of computing")
    if code in _NO_MEMORY:
        return DocumentRefused("too_large", f"reading it takes more than {MEMORY_BYTES >> 20} MB of memory", "split it, or send its text")
    return DocumentRefused("damaged", "reading it ended the process that read it", "save it anew or as text, and send that")


def _too_slow(limit: str) -> DocumentRefused:
    return DocumentRefused("too_large", f"reading it takes more than {limit}", "split it, or send its text")
