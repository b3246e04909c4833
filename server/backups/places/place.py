"""What a place for backups promises, and which one is meant."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from server.backups.archive import Progress
from server.backups.places.bucket import BucketPlace
from server.backups.places.folder import FolderPlace
from server.config.backup_folder import bucket_url, folder_of
from server.config.settings import Settings
from server.object_storage.access import Reveal
from server.object_storage.bucket import open_bucket
from server.object_storage.location import read_location
from server.storage.copies.kept import KeptBackup
from tools.egress.client import Egress


class BackupPlace(Protocol):
    """A backup is in the place whole or not at all. Raises OSError and ObjectStorageError."""

    @property
    def where(self) -> str:
        """The place, as a person names it."""
        ...

    async def backups(self, environment: str | None = None) -> Sequence[KeptBackup]:
        """Return the backups, newest first; of one environment, or of all."""
        ...

    def making(self) -> AbstractContextManager[Path]:
        """Give a folder in which a new backup is written."""
        ...

    async def keep(self, path: Path, progress: Progress | None = None) -> KeptBackup:
        """Take over a backup that is whole in that folder."""
        ...

    def reading(self, name: str, progress: Progress | None = None) -> AbstractAsyncContextManager[Path]:
        """Give one backup as a file, for as long as it is read."""
        ...

    async def remove(self, name: str) -> None:
        """Remove one; that it is gone already is as good."""
        ...


@asynccontextmanager
async def open_place(settings: Settings, reveal: Reveal | None, url: str = "") -> AsyncIterator[BackupPlace]:
    """Give the place of ASCEND_BACKUP_TO, or the bucket of `url`; nothing is asked of it yet. Raises LocationInvalid, KeysMissing."""
    if not (url := url or bucket_url(settings)):
        yield FolderPlace(folder_of(settings))
        return
    location = read_location(url, os.environ)
    async with Egress(settings.egress.egress_allow) as egress:
        yield BucketPlace(await open_bucket(egress, location, os.environ, reveal), settings.data_dir)
