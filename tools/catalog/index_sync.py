"""Keep the capability index equal to the catalogue: at start, and after every change of a provider."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from anyio import Event, Lock, move_on_after, to_thread

from capability_index.documents import Document
from capability_index.encoders.encoder import Encoder
from capability_index.errors import EncoderUnavailable, SnapshotInvalid
from capability_index.index import CapabilityIndex
from capability_index.snapshot import load, save
from tools.catalog.catalog import Catalog
from tools.catalog.search_documents import SHARED_SEGMENT, documents_of

log = logging.getLogger("ascend")
FIRST_RETRY_S = 5.0
LAST_RETRY_S = 60.0


class CatalogIndex:
    """The index of one catalogue, with its snapshot on disk. Searching goes on while it is brought up to date.

    `make_encoder` gives the configured encoder, whose vectors `run` makes beside the embedded ones; it blocks.
    """

    def __init__(
        self, index: CapabilityIndex, catalog: Catalog, directory: Path, model: str, make_encoder: Callable[[], Encoder] | None = None
    ) -> None:
        self.index = index
        self._catalog = catalog
        self._directory = directory
        self._model = model
        self._turn = Lock()
        self._make_encoder = make_encoder
        self._encoder: Encoder | None = None
        self._is_whole = make_encoder is None
        self._lacking = Event()
        #: why the configured encoder's vectors are not searched, or empty
        self.encoder_warning = ""

    async def open(self) -> int:
        """Take the saved snapshot, encode only what it lacks, save what changed; return how many documents were encoded."""
        async with self._turn:
            return await to_thread.run_sync(self._open)

    async def refresh(self, providers: Iterable[tuple[str | None, str]]) -> None:
        """Bring the documents of some (tenant, provider) pairs up to date and save the snapshot."""
        async with self._turn:
            await to_thread.run_sync(self._refresh, list(providers))
        if not self._is_whole:
            self._lacking.set()

    async def run(self) -> None:
        """Keep the configured encoder's vectors whole, until cancelled; ends at once where none is configured.

        While the endpoint gives none, searches use the embedded vectors; it is asked again after a while and after each change.
        """
        retry_s = FIRST_RETRY_S
        while self._make_encoder is not None:
            self._lacking, self._is_whole = Event(), True
            try:
                await to_thread.run_sync(self._embed, self._make_encoder, abandon_on_cancel=True)
                async with self._turn:
                    await to_thread.run_sync(self._save)
            except EncoderUnavailable as error:
                self._is_whole = False
                self._warn(str(error))
                with move_on_after(retry_s):
                    await self._lacking.wait()
                retry_s = min(2 * retry_s, LAST_RETRY_S)
            else:
                self._warn("")
                retry_s = FIRST_RETRY_S
                await self._lacking.wait()

    def _open(self) -> int:
        try:
            self.index.adopt(load(self._directory, self._model))
        except SnapshotInvalid:
            self.index.adopt({})  # Nothing is lost: the catalogue is the truth, and the snapshot only spares the encoding.
        if self._make_encoder is None:
            self.index.reembed(None, self._documents)  # Vectors of an encoder that is configured no more.
        owners = self._catalog.owners
        encoded = 0
        for owner in owners:
            by_provider: dict[str, list[str]] = {}
            for operation in self._catalog.operations_of(owner):
                by_provider.setdefault(operation.provider, [])
            encoded += sum(self._write(owner, provider) for provider in by_provider)
            encoded += self._forget_others(owner, by_provider.keys())
        for name in set(self.index.segments()) - {owner or SHARED_SEGMENT for owner in owners}:
            self.index.drop(name)
            encoded += 1
        if encoded:
            self._save()
        return encoded

    def _refresh(self, providers: list[tuple[str | None, str]]) -> None:
        if sum(self._write(owner, provider) for owner, provider in providers):
            self._save()

    def _save(self) -> None:
        save(self.index.segments(), self._directory, self._model)

    def _embed(self, make_encoder: Callable[[], Encoder]) -> None:
        if self._encoder is None:
            self._encoder = make_encoder()
        self.index.reembed(self._encoder, self._documents)

    def _documents(self, segment: str) -> list[Document]:
        return documents_of(self._catalog.operations_of(None if segment == SHARED_SEGMENT else segment))

    def _warn(self, reason: str) -> None:
        """Log when vectors cannot be had, and when they are there again; not every attempt in between."""
        if reason and reason != self.encoder_warning:
            log.warning("encoder_unavailable", extra={"facts": {"reason": reason, "effect": "discover_apis uses the embedded vectors"}})
        elif self.encoder_warning and not reason:
            log.info("encoder_back")
        self.encoder_warning = reason

    def _write(self, owner: str | None, provider: str) -> int:
        documents = documents_of(self._catalog.operations_of(owner, provider))
        report = self.index.replace_group(owner or SHARED_SEGMENT, provider, documents)
        if report.warnings:
            self._is_whole = False
        return report.added + report.changed + report.removed

    def _forget_others(self, owner: str | None, providers: Iterable[str]) -> int:
        """Empty the groups of providers that the catalogue no longer has."""
        name = owner or SHARED_SEGMENT
        segment = self.index.segments().get(name)
        held = {group for shard in segment.shards for group in shard.part.operations.groups} if segment else set()
        return sum(self.index.replace_group(name, group, ()).removed for group in held - set(providers))
