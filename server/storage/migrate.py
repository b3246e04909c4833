"""Bring a store's schema to the revision that this code expects."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from server.storage.database import StoreUnavailable
from server.storage.engines import engine_for

#: any number, as long as every release has the same one
MIGRATION_LOCK = 0x617363656E64
#: what a step says that takes something away (docs/guides/upgrading.md)
_WORKS_WITH = re.compile(r'^WORKS_WITH = "([0-9]{4})"', re.MULTILINE)
log = logging.getLogger("ascend")
logging.getLogger("alembic").setLevel(logging.WARNING)  # one line for each revision at every first start tells nobody anything


@dataclass(frozen=True, slots=True)
class Migrations:
    """A history of revisions, and the table in which a store says which it has seen."""

    folder: Path
    version_table: str
    #: the first release that goes on beside newer ones
    works_with: str

    def newest(self) -> str:
        """Return the newest revision, by the names of its files: r0001_what.py."""
        return max(name[1:5] for name in self.names())

    def names(self) -> list[str]:
        """Return the names of all revisions, oldest first."""
        return sorted(path.stem for path in (self.folder / "versions").glob("r[0-9]*.py"))

    def still_works(self) -> str:
        """Return the oldest revision whose code works on the newest schema: `WORKS_WITH` of the last step that took something away."""
        texts = (path.read_text(encoding="utf-8") for path in (self.folder / "versions").glob("r[0-9]*.py"))
        return max([self.works_with, *(found[1] for text in texts for found in _WORKS_WITH.finditer(text))])


STATE = Migrations(Path(__file__).parent / "migrations", "alembic_version", "0046")
HISTORY = Migrations(Path(__file__).parent / "history" / "migrations", "history_version", "0004")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How far a store is: `revision` None: there is none yet. `missing`: what it has not seen, oldest first, as in r0001_platform.

    `works_with`: the oldest revision whose code works on it, as whoever brought it there said; None: nobody said.
    """

    revision: str | None
    newest: str
    missing: tuple[str, ...]
    works_with: str | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether a newer version wrote it."""
        return self.revision is not None and self.revision > self.newest

    @property
    def is_newer(self) -> bool:
        """Whether a newer version wrote it, on whose schema this one does not work."""
        return self.is_ahead and (self.works_with is None or self.works_with > self.newest)


class StoreIsNewer(Exception):
    """The store was written by a newer version; this one would not know what it means."""


async def migrate(url: str, migrations: Migrations = STATE) -> None:
    """Run every revision that the store at `url` has not seen, oldest first; a new store gets all of them.

    All in one transaction: a process that is killed on the way leaves the store as it was. Processes that start together take
    turns; the later ones find everything done. Raises StoreIsNewer.
    """
    engine = engine_for(url, "BEGIN IMMEDIATE", pool_size=1)
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": MIGRATION_LOCK})
            await connection.run_sync(_upgrade, migrations)
    finally:
        await engine.dispose()


async def state_of(url: str, migrations: Migrations = STATE) -> SchemaState:
    """Say how far the store at `url` is, and change nothing. Not for a SQLite file that is not there: looking would make it.

    Raises StoreUnavailable.
    """
    engine = engine_for(url, "BEGIN", pool_size=1)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_state_of, migrations)
    except SQLAlchemyError as error:
        raise StoreUnavailable("the store does not answer") from error
    finally:
        await engine.dispose()


def _state_of(connection: Connection, migrations: Migrations) -> SchemaState:
    revision = _revision_of(connection, migrations)
    missing = tuple(name for name in migrations.names() if revision is None or name[1:5] > revision)
    return SchemaState(revision, migrations.newest(), missing, _works_with(connection, migrations))


def _upgrade(connection: Connection, migrations: Migrations) -> None:
    state = _state_of(connection, migrations)
    if state.is_newer:
        raise StoreIsNewer(f"the store is of a newer version (revision {state.revision}; this one knows {state.newest})")
    if state.is_ahead:
        # A node of the version before, started again while the others are replaced.
        log.warning("store_is_ahead", extra={"facts": {"revision": state.revision, "known": state.newest}})
        return
    if not state.missing:
        return
    # Only a store that is behind pays for loading it: 0.3 s and 11 MB at every start otherwise.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations.folder))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = migrations.version_table
    command.upgrade(config, "head")
    _say_works_with(connection, migrations)


def _revision_of(connection: Connection, migrations: Migrations) -> str | None:
    if not inspect(connection).has_table(migrations.version_table):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {migrations.version_table}"))  # noqa: S608  ours, above
    return revision


def _works_with(connection: Connection, migrations: Migrations) -> str | None:
    if not inspect(connection).has_table("store_facts"):
        return None  # a history in a file of its own: one machine, whose processes are replaced together
    found: str | None = connection.scalar(text("SELECT value FROM store_facts WHERE name = :name"), {"name": _fact(migrations)})
    return found


def _say_works_with(connection: Connection, migrations: Migrations) -> None:
    """Put on record, for nodes of versions before, whether they still work on this schema."""
    if inspect(connection).has_table("store_facts"):
        connection.execute(text("DELETE FROM store_facts WHERE name = :name"), {"name": _fact(migrations)})
        said = {"name": _fact(migrations), "value": migrations.still_works()}
        connection.execute(text("INSERT INTO store_facts (name, value) VALUES (:name, :value)"), said)


def _fact(migrations: Migrations) -> str:
    return f"works_with:{migrations.version_table}"
