"""Make a backup: copy the stores as they are used, say what is in the copy, and write it for whoever may open it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from server.backups.archive import Progress, member_of, write_archive
from server.backups.keys import BackupKeys
from server.backups.manifest import Manifest, Member
from server.config.load import SETTINGS_FILE
from server.config.settings import Settings
from server.storage.copies import postgres_copy
from server.storage.copies.sqlite_copy import copy_sqlite, figures_of, sqlite_file
from server.storage.migrate import HISTORY, STATE

LOCK_FILE = "backup.lock"
WORK_PREFIX = ".backup-"
STATE_FILE, HISTORY_FILE, DUMP_FILE, KEK_FILE = "ascend.sqlite3", "history.sqlite3", "ascend.dump", "vault.kek"
_TIME = "%Y%m%dT%H%M%SZ"


class BackupBusy(Exception):
    """Another process makes or tries a backup of this data directory."""


def backup_name(environment: str, made_at: datetime) -> str:
    """Return the name of a backup: names of one environment sort by time."""
    return f"ascend-{environment}-{made_at:{_TIME}}.age"


def make_backup(settings: Settings, keys: BackupKeys, folder: Path, *, is_lean: bool = False, progress: Progress | None = None) -> Path:
    """Write a backup into `folder` and return its path. Raises BackupBusy, ToolFailed, OSError.

    The gateway may run meanwhile. A process that dies on the way leaves nothing that looks like a backup.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with working_folder(settings.data_dir) as work:
        for left in folder.glob(".ascend-*.part"):
            left.unlink()
        made_at = datetime.now(UTC).replace(microsecond=0)
        tables = _copy_stores(settings, work, is_lean)
        for name in (KEK_FILE, SETTINGS_FILE):
            if (settings.data_dir / name).is_file():
                shutil.copyfile(settings.data_dir / name, work / name)
        files = {path.name: path for path in sorted(work.iterdir())}
        members: tuple[Member, ...] = tuple(member_of(name, path) for name, path in files.items())
        manifest = Manifest(
            made_at=made_at.isoformat().replace("+00:00", "Z"),
            environment=settings.store.environment,
            version=version("ascend-gateway"),
            revision=STATE.newest(),
            history_revision=HISTORY.newest(),
            store="sqlite" if settings.store.database_url.startswith("sqlite") else "postgresql",
            is_lean=is_lean,
            members=members,
            tables=tables,
        )
        target = folder / backup_name(settings.store.environment, made_at)
        write_archive(target, manifest, files, keys.recipients, progress)
    return target


@contextmanager
def working_folder(data_dir: Path) -> Iterator[Path]:
    """Give a folder for copies in the clear, readable by its owner alone, and remove it; one process at a time. Raises BackupBusy."""
    descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupBusy(f"another process makes or tries a backup of {data_dir}; wait until it is done") from error
        # What a process that died left: we have the lock, so nobody uses it.
        for left in data_dir.glob(f"{WORK_PREFIX}*"):
            shutil.rmtree(left)
        work = data_dir / f"{WORK_PREFIX}{os.getpid()}"
        work.mkdir(mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work)
    finally:
        os.close(descriptor)


def _copy_stores(settings: Settings, work: Path, is_lean: bool) -> dict[str, dict[str, int]]:
    url = settings.store.database_url
    if not url.startswith("sqlite"):
        return {DUMP_FILE: postgres_copy.dump(url, work / DUMP_FILE, is_lean=is_lean)}
    copy_sqlite(sqlite_file(url), work / STATE_FILE)
    history = settings.data_dir / HISTORY_FILE
    if not is_lean and not settings.store.history_url and history.is_file():
        copy_sqlite(history, work / HISTORY_FILE)
    return {name: figures_of(work / name) for name in (STATE_FILE, HISTORY_FILE) if (work / name).is_file()}
