"""Bring a store's schema to the revision that this code expects."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from server.storage.engines import engine_for

MIGRATIONS = Path(__file__).parent / "migrations"
#: any number, as long as every release has the same one
MIGRATION_LOCK = 0x617363656E64
logging.getLogger("alembic").setLevel(logging.WARNING)  # one line for each revision at every first start tells nobody anything


async def migrate(url: str) -> None:
    """Run every revision that the store at `url` has not seen, oldest first; a new store gets all of them.

    All in one transaction: a process that is killed on the way leaves the store as it was. Processes that start together take
    turns; the later ones find everything done.
    """
    engine = engine_for(url, "BEGIN IMMEDIATE", pool_size=1)
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def newest_revision() -> str:
    """Return the newest revision of the history, by the names of its files: r0001_what.py."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("r[0-9]*.py"))


def _upgrade(connection: Connection) -> None:
    if _revision_of(connection) == newest_revision():
        return
    # Only a store that is behind pays for loading it: 0.3 s and 11 MB at every start otherwise.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
