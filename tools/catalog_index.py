"""Keep the capability index equal to the catalogue: at start, and after every change of a provider."""

from collections.abc import Iterable
from pathlib import Path

from anyio import Lock, to_thread

from capability_index.index import CapabilityIndex
from capability_index.snapshot import SnapshotInvalid, load, save
from tools.catalog import Catalog
from tools.documents import SHARED_SEGMENT, documents_of


class CatalogIndex:
    """The index of one catalogue, with its snapshot on disk. Searching goes on while it is brought up to date."""

    def __init__(self, index: CapabilityIndex, catalog: Catalog, directory: Path, model: str) -> None:
        self.index = index
        self._catalog = catalog
        self._directory = directory
        self._model = model
        self._turn = Lock()

    async def open(self) -> int:
        """Take the saved snapshot, encode only what it lacks, save what changed; return how many documents were encoded."""
        async with self._turn:
            return await to_thread.run_sync(self._open)

    async def refresh(self, providers: Iterable[tuple[str | None, str]]) -> None:
        """Bring the documents of some (tenant, provider) pairs up to date and save the snapshot."""
        async with self._turn:
            await to_thread.run_sync(self._refresh, list(providers))

    def _open(self) -> int:
        try:
            self.index.adopt(load(self._directory, self._model))
        except SnapshotInvalid:
            self.index.adopt({})  # Nothing is lost: the catalogue is the truth, and the snapshot only spares the encoding.
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
            save(self.index.segments(), self._directory, self._model)
        return encoded

    def _refresh(self, providers: list[tuple[str | None, str]]) -> None:
        if sum(self._write(owner, provider) for owner, provider in providers):
            save(self.index.segments(), self._directory, self._model)

    def _write(self, owner: str | None, provider: str) -> int:
        documents = documents_of(self._catalog.operations_of(owner, provider))
        report = self.index.replace_group(owner or SHARED_SEGMENT, provider, documents)
        return report.added + report.changed + report.removed

    def _forget_others(self, owner: str | None, providers: Iterable[str]) -> int:
        """Empty the groups of providers that the catalogue no longer has."""
        name = owner or SHARED_SEGMENT
        segment = self.index.segments().get(name)
        held = {group for shard in segment.shards for group in shard.part.groups} if segment else set()
        return sum(self.index.replace_group(name, group, ()).removed for group in held - set(providers))
