"""kill -9 of the node that runs a task: the next one tells what is known, and the plan goes on without a write too many."""

import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
from aiohttp import web

from tests.flows.gateway_process import ascend, running_gateway
from tests.ports import free_port
from tests.server.mcp.tasks.world import PLAN, TaskClient, Upstream, document
from tests.waiting import until
from tools.long_work import ENDED

SETTINGS = {"ASCEND_EGRESS_ALLOW": "127.0.0.1:*", "ASCEND_MCP_TASK_AFTER_S": "0.05"}


@asynccontextmanager
async def notes(folder: Path) -> AsyncIterator[tuple[Upstream, Path]]:
    """Give an upstream and its document."""
    upstream = Upstream()
    app = web.Application()
    app.router.add_post("/notes", upstream.create)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    described = folder / "notes.json"
    described.write_text(json.dumps(document(f"http://127.0.0.1:{runner.addresses[0][1]}")), encoding="utf-8")
    yield upstream, described
    upstream.gate.set()
    await runner.cleanup()


def let_leases_run_out(data: Path) -> None:
    """Do what 20 seconds do while nobody renews a lease."""
    with closing(sqlite3.connect(data / "ascend.sqlite3")) as store, store:
        store.execute("UPDATE tasks SET lease_until = 0")


async def test_a_task_whose_node_is_killed_says_so_and_its_plan_goes_on(tmp_path: Path) -> None:
    """Decision 0063: never `working` for ever, never silent about a write, and the handle of the record in the error."""
    data, port = tmp_path / "data", free_port()
    async with notes(tmp_path) as (upstream, described), httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        with running_gateway(data, port=port, extra=SETTINGS) as gateway:
            imported = ascend("import", "openapi", str(described), "--provider", "notes", "--shared", data_dir=data, extra=SETTINGS)
            assert imported.returncode == 0, imported.stderr
            minted = ascend("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=data, extra=SETTINGS)
            ada = TaskClient(http, minted.stdout.strip())

            async def is_known() -> bool:
                found = await ada.call("discover_apis", {"ids": ["notes.notes.create"]})
                return not found["isError"]

            await until(is_known)
            task_id = await ada.task("batch_execute", PLAN)
            await until(lambda: upstream.arrived == 1)

            async def is_told() -> bool:
                return "statusMessage" in await ada.get(task_id)

            # With what it says, the handle of its plan goes on record: within a second of a task that begins at once.
            await until(is_told)
            os.kill(gateway.process.pid, signal.SIGKILL)
            gateway.process.wait(timeout=10)
        upstream.gate.set()
        await until(lambda: upstream.written == ["first"])
        with running_gateway(data, port=port, extra=SETTINGS):
            assert (await ada.get(task_id))["status"] == "working"
            let_leases_run_out(data)
            lost = await ada.get(task_id)
            assert (lost["status"], lost["error"]["data"]["code"]) == ("failed", "broken_off")
            assert "may have taken effect" in lost["error"]["message"]
            rest = await ada.call("batch_execute", {"resume": lost["error"]["data"]["resume"]})
            if rest["resultType"] == "task":
                rest = (await ada.until(rest["taskId"], *ENDED))["result"]
            # The first was sent and nobody heard how it went: that is told, and it is not sent again.
            told = rest["structuredContent"]
            assert upstream.written.count("first") == 1
            assert told["steps"]["one"]["error"]["code"] == "in_flight", told
            assert await ada.get(task_id) == lost
