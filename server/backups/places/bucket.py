"""Backups in a bucket: written whole here first, then put there; an upload that dies on the way is in no list."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from server.backups.archive import Progress
from server.object_storage.bucket import Bucket
from server.object_storage.errors import StorageRefused
from server.storage.copies.kept import KeptBackup, backups_among, read_name

TRANSFER_PREFIX = ".transfer-"
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Keeps `BackupPlace`. What is on its way is in a folder of the data directory that goes with the process, or with the next one."""

    bucket: Bucket
    data_dir: Path

    @property
    def where(self) -> str:
        return str(self.bucket.location).rstrip("/")

    async def backups(self, environment: str | None = None) -> Sequence[KeptBackup]:
        found = await self.bucket.listed("ascend-")
        return backups_among([(each.key, self._at(each.key), each.bytes) for each in found], environment)

    @contextmanager
    def making(self) -> Iterator[Path]:
        with transfer_folder(self.data_dir) as folder:
            yield folder

    async def keep(self, path: Path, progress: Progress | None = None) -> KeptBackup:
        size = (await anyio.Path(path).stat()).st_size
        # A key may be allowed to put and not to look after uploads; the bucket's own rules can end those as well.
        with suppress(StorageRefused):
            await self.bucket.give_up_stale_uploads()
        # Two of one second and one name would be two gateways that share a prefix: neither may lose its backup to the other.
        await self.bucket.put(path.name, _pieces(path, size, progress), if_absent=True)
        return read_name(path.name, self._at(path.name), size)

    @asynccontextmanager
    async def reading(self, name: str, progress: Progress | None = None) -> AsyncIterator[Path]:
        [total] = [each.bytes for each in await self.bucket.listed(name) if each.key == name] or [0]
        with transfer_folder(self.data_dir) as folder:
            done = 0
            async with await anyio.open_file(folder / name, "xb") as file, aclosing(self.bucket.get(name)) as pieces:
                async for piece in pieces:
                    await file.write(piece)
                    done += len(piece)
                    if progress is not None:
                        progress(done, total)
            yield folder / name

    async def remove(self, name: str) -> None:
        await self.bucket.delete(name)

    def _at(self, name: str) -> str:
        return f"{self.bucket.location}{name}"


@contextmanager
def transfer_folder(data_dir: Path) -> Iterator[Path]:
    """Give a folder for what is on its way, and remove it; those of processes that died go, too."""
    for left in data_dir.glob(f"{TRANSFER_PREFIX}*"):
        with _held(left) as is_free:
            if is_free:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=TRANSFER_PREFIX, dir=data_dir))
    with _held(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock, which ends with its process; False where another process has it, or the folder is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


async def _pieces(path: Path, total: int, progress: Progress | None) -> AsyncIterator[bytes]:
    done = 0
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(PIECE_BYTES):
            yield piece
            done += len(piece)
            if progress is not None:
                progress(done, total)
