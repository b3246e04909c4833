"""The history of migrations makes exactly the schema that the code uses."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, event
from sqlalchemy.ext.asyncio import create_async_engine

import server.storage.schema.admin_tables
import server.storage.schema.ai_config_tables
import server.storage.schema.ai_gateway_tables
import server.storage.schema.alert_tables
import server.storage.schema.audit_tables
import server.storage.schema.connection_tables
import server.storage.schema.context_tables
import server.storage.schema.document_tables
import server.storage.schema.metering_tables
import server.storage.schema.oauth_tables
import server.storage.schema.platform_tables
import server.storage.schema.service_tables
import server.storage.schema.subject_tables
import server.storage.schema.tool_tables
import server.storage.schema.workflows.definition_tables
import server.storage.schema.workflows.schedule_tables
import server.storage.schema.workflows.webhook_tables
import server.storage.schema.workflows.workflow_tables  # noqa: F401  the imports fill the metadata
from server.config.store import sqlite_url
from server.storage.migrate import STATE, migrate
from server.storage.schema.metadata import metadata


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_a_migrated_store_has_the_schema_of_the_code(tmp_path: Path) -> None:
    """What a revision forgets would only be missed at the first statement that needs it."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    await migrate(url)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    """Every start migrates."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    await migrate(url)
    before = (tmp_path / "store.sqlite3").read_bytes()
    await migrate(url)
    assert (tmp_path / "store.sqlite3").read_bytes() == before


@pytest.mark.parametrize("statement", [1, 2, 9, 30, 40])
async def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(tmp_path: Path, statement: int) -> None:
    """The process may be killed between any two statements of the first start; the next start must find nothing half made."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    left = iter(range(statement))

    def break_off(*given: object) -> None:
        if str(given[2]).startswith(("CREATE", "INSERT", "UPDATE")) and next(left, None) is None:
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", break_off)
    try:
        with pytest.raises(KeyboardInterrupt):
            await migrate(url)
    finally:
        event.remove(Engine, "before_cursor_execute", break_off)
    await migrate(url)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


@pytest.mark.parametrize("path", sorted((STATE.folder / "versions").glob("r[0-9]*.py")), ids=lambda path: path.name)
def test_a_revision_is_named_by_its_number(path: Path) -> None:
    """The newest revision is read from the names, without loading Alembic."""
    assert f'revision = "{path.name[1:5]}"' in path.read_text(encoding="utf-8")
    assert path.name[1:5] <= STATE.newest()
