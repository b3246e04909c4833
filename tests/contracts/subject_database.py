"""A database for the contracts of sign-in stores: empty, of either kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import delete

from server.storage.database import Database
from server.storage.migrate import migrate
from server.storage.schema import subject_tables
from server.storage.schema.platform_tables import changes, tenants

TABLES = (
    subject_tables.subjects,
    subject_tables.browser_sessions,
    subject_tables.passkeys,
    subject_tables.passkey_challenges,
    subject_tables.identity_providers,
    subject_tables.identity_links,
    subject_tables.federated_sign_ins,
    tenants,
    changes,
)


@asynccontextmanager
async def empty_database(url: str) -> AsyncIterator[Database]:
    """Bring the database to the newest schema and empty what earlier tests left."""
    await migrate(url)
    database = Database(url)
    async with database.write() as connection:
        for table in TABLES:
            await connection.execute(delete(table))
    yield database
    await database.close()
