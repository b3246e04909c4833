"""A copy of a SQLite store before its schema changes: the way back to the version of before.

A PostgreSQL is backed up by its own means; a migration there is one transaction, and the log says which revision it was.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio.to_thread

from server.storage.copies.sqlite_copy import copy_sqlite, sqlite_file
from server.storage.migrate import STATE

log = logging.getLogger("ascend")

#: of the versions of before, the newest stay
COPIES_KEPT = 2
PREFIX = "before-"


class CopyFailed(Exception):
    """There is no copy; the message says why."""


async def copy_before_migrating(url: str, data_dir: Path) -> Path | None:
    """Copy the store to `before-REVISION.sqlite3` where a migration is ahead of it, and return the copy. Raises CopyFailed."""
    if not url.startswith("sqlite"):
        return None
    try:
        return await anyio.to_thread.run_sync(_copy, sqlite_file(url), data_dir)
    except (OSError, sqlite3.Error) as error:
        raise CopyFailed(f"the store could not be copied before its schema changes: {error}") from error


def _copy(store: Path, data_dir: Path) -> Path | None:
    revision = _revision_of(store)
    if revision is None or revision >= STATE.newest():
        return None
    target = data_dir / f"{PREFIX}{revision}.sqlite3"
    if target.exists():
        return target  # A start before this one died on the way; the migration is whole or not at all.
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    copy_sqlite(store, part)
    part.replace(target)
    for old in sorted(data_dir.glob(f"{PREFIX}*.sqlite3"), reverse=True)[COPIES_KEPT:]:
        old.unlink(missing_ok=True)
    log.info("store_copied_before_migrating", extra={"facts": {"revision": revision, "copy": target.name}})
    return target


def _revision_of(store: Path) -> str | None:
    if not store.is_file():
        return None
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        try:
            row = connection.execute(f"SELECT version_num FROM {STATE.version_table}").fetchone()  # noqa: S608  ours
        except sqlite3.DatabaseError:
            return None
    return None if row is None else str(row[0])
