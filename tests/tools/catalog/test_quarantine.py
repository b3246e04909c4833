"""The snapshot of what is held, while several sources change at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from server.storage.database import Database
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from tests.empty_store import put_empty_store
from tests.tools.stand_ins import operation
from tools.catalog.quarantine import HeldTool, Quarantine
from tools.stores import Source

OPERATION = replace(operation("notes.whoami"), kind="mcp", tenant_id=None, binding={"pin": "p1"})
HELD = HeldTool(None, "notes", "whoami", OPERATION.id, "changed", accepted_pin="p1")
OTHER = replace(HELD, provider="other", operation_id="other.whoami")


class SlowStore(SqlQuarantineStore):
    """Lets a reader of "notes" wait until `may_answer` is set."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def held_of(self, tenant_id: str | None, provider: str) -> Sequence[HeldTool]:
        if provider == "notes":
            self.is_asked.set()
            await self.may_answer.wait()
        return await super().held_of(tenant_id, provider)


async def test_a_held_tool_stays_held_while_its_source_is_read_again(tmp_path: Path) -> None:
    """The change feed and the watch are two tasks; one must not open what the other is reading."""
    database = Database(put_empty_store(tmp_path / "store.sqlite3"))
    store = SlowStore(database)
    for provider in ("notes", "other"):
        await SqlOperationStore(database).replace(Source(provider, None, "mcp", "https://mcp.example", provider, {}), [])
    await store.hold(None, "notes", [HELD])
    quarantine = Quarantine(store)
    await quarantine.load()
    reading = asyncio.create_task(quarantine.refresh(None, "notes"))
    await store.is_asked.wait()
    await quarantine.hold(None, "other", [OTHER])
    assert quarantine.held_of(None, "notes") == (HELD,)
    assert quarantine.block("acme", OPERATION) == HELD
    store.may_answer.set()
    await reading
    assert quarantine.block("acme", OPERATION) == HELD
    await database.close()
