"""Backups in a folder: on this machine's disk, another one, or one that something carries away."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from server.backups.archive import Progress
from server.storage.copies.kept import KeptBackup, backups_among, read_name


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """Keeps `BackupPlace`: what is written has its name when it is on disk to its end."""

    folder: Path

    @property
    def where(self) -> str:
        return str(self.folder)

    async def backups(self, environment: str | None = None) -> Sequence[KeptBackup]:
        files = self.folder.glob("ascend-*.age") if self.folder.is_dir() else ()
        return backups_among([(path.name, str(path), path.stat().st_size) for path in files], environment)

    @contextmanager
    def making(self) -> Iterator[Path]:
        yield self.folder

    async def keep(self, path: Path, progress: Progress | None = None) -> KeptBackup:
        return read_name(path.name, str(path), (await anyio.Path(path).stat()).st_size)

    @asynccontextmanager
    async def reading(self, name: str, progress: Progress | None = None) -> AsyncIterator[Path]:
        yield self.folder / name

    async def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
