"""Put a backup into an empty place, and close it to whoever was in before."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from server.audited import Audited, audited
from server.backups.archive import Progress, read_archive
from server.backups.making import DUMP_FILE, HISTORY_FILE, KEK_FILE, STATE_FILE, working_folder
from server.backups.manifest import Manifest
from server.config.settings import Settings
from server.storage.copies import postgres_copy
from server.storage.copies.closing import end_all
from server.storage.copies.sqlite_copy import faults_in, sqlite_file
from server.storage.database import Database
from server.storage.migrate import HISTORY, STATE, migrate


class NotRestored(Exception):
    """Nothing was put in place; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and what was ended there: how many of each."""

    manifest: Manifest
    ended: Mapping[str, int]


async def restore_backup(
    settings: Settings, source: Path, identities: Sequence[X25519PrivateKey], progress: Progress | None = None
) -> Restored:
    """Restore `source` into the data directory and store of `settings`, which must be empty.

    Everything is read and checked before the first file is put in place. Tokens, sessions and what was under way are ended: what
    happened after the copy is not known to it. Raises NotRestored, and what `read_archive` raises.
    """
    url = settings.store.database_url
    must_be_empty(settings)
    with working_folder(settings.data_dir) as work:
        manifest = read_archive(source, identities, work, progress)
        _must_fit(settings, manifest, work)
        if manifest.store == "postgresql":
            postgres_copy.restore(url, work / DUMP_FILE)
        else:
            if (work / HISTORY_FILE).is_file():
                (work / HISTORY_FILE).replace(settings.data_dir / HISTORY_FILE)
            # Last: as long as it is missing, the place counts as empty and the same command may run again.
            (work / STATE_FILE).replace(sqlite_file(url))
        for path in work.iterdir():
            if path.name != DUMP_FILE and not (settings.data_dir / path.name).exists():
                shutil.move(path, settings.data_dir / path.name)
    await migrate(url)
    if manifest.store == "postgresql":
        await migrate(url, HISTORY)
    database = Database(url)
    try:
        with audited(Audited("command", "backup restore", "local", "", source.name)):
            ended = await database.transact(partial(end_all))
    finally:
        await database.close()
    return Restored(manifest, ended)


def must_be_empty(settings: Settings) -> None:
    """Raise NotRestored where something is in place already."""
    url = settings.store.database_url
    if url.startswith("sqlite"):
        if sqlite_file(url).exists():
            raise NotRestored(f"{sqlite_file(url)} is there already; restore into another directory, with --data")
    elif tables := postgres_copy.tables_in(url):
        raise NotRestored(f"the database of ASCEND_DATABASE_URL has {tables} tables already; name an empty one")


def _must_fit(settings: Settings, manifest: Manifest, work: Path) -> None:
    kind = "sqlite" if settings.store.database_url.startswith("sqlite") else "postgresql"
    if manifest.store != kind:
        way_out = "set ASCEND_DATABASE_URL to an empty PostgreSQL" if manifest.store == "postgresql" else "unset ASCEND_DATABASE_URL"
        raise NotRestored(f"the backup is of a {manifest.store} store, and the settings name {kind}; {way_out}")
    if manifest.environment != settings.store.environment:
        said = f"the backup is of environment {manifest.environment!r}, the settings say {settings.store.environment!r}"
        raise NotRestored(f"{said}; set ASCEND_ENV")
    for mine, theirs, what in ((STATE.newest(), manifest.revision, "store"), (HISTORY.newest(), manifest.history_revision, "history")):
        if theirs > mine:
            raise NotRestored(f"the backup's {what} is of a newer version (revision {theirs}, this one knows {mine}); upgrade first")
    for name in (STATE_FILE, HISTORY_FILE):
        if (work / name).is_file() and (faults := faults_in(work / name)):
            raise NotRestored(f"{name} in the backup is not sound: {faults[0]}; take another backup")
    if KEK_FILE in {member.name for member in manifest.members} and (settings.data_dir / KEK_FILE).exists():
        raise NotRestored(f"{settings.data_dir / KEK_FILE} is there already, and may be another key; restore into an empty directory")
