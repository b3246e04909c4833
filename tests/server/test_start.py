"""What `ascend serve` loads before it is asked for anything (decision 0059), read from the imports at the top of files."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.empty_store import put_data_directory
from tests.house.test_shape import PACKAGES, sources, tree_of

UNASKED = {
    "webauthn",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "alembic",
    "redis",
    "server.storage.redis.opened",
    "aiohttp.web",
    "tools.ai_gateway.dialects.pairs",
    "tools.workflows.engine.engine",
    "tools.workflows.schedules.scheduler",
    "tools.workflows.webhooks.intake",
    "tools.workflows.ingestion.reader",
    "server.admin.console.opening",
    "server.admin.figures",
}
#: begins with the demo only
OF_THE_DEMO = "server.demo"


def test_a_start_loads_nothing_that_few_gateways_need() -> None:
    """To load what few need made a tenth of the time to start, and 10 MB."""
    loaded: set[str] = set()
    ahead = ["server.commands.serve"]
    while ahead:
        module = ahead.pop()
        if module not in loaded and not module.startswith(OF_THE_DEMO):
            loaded.add(module)
            ahead += imported_by(module)
    assert {"server.app", "tools.ai_gateway.calls", "sqlalchemy"} <= loaded
    assert UNASKED.isdisjoint(loaded)


#: opens a gateway, has it look for something to do and sweep, and tells what of durable work is loaded then
EMPTY_GATEWAY = """
import asyncio, sys
from pathlib import Path
from server import housekeeping
from server.app import open_gateway
from server.assembly.workflows import late_work
from server.config.load import load

async def main():
    needed, swept = [], asyncio.Event()
    async def sweep(self):
        await housekeeping_sweep(self)
        swept.set()
    housekeeping_sweep, housekeeping.Housekeeping.sweep = housekeeping.Housekeeping.sweep, sweep
    housekeeping.EVERY_S = 0.5
    async def look(*stores):
        needed.append(await is_needed(*stores))
        return needed[-1]
    is_needed, late_work.is_needed = late_work.is_needed, look
    async with open_gateway(load(Path(sys.argv[1]), {}, base_url="http://127.0.0.1")) as gateway:
        await asyncio.wait_for(swept.wait(), 30)
        print(needed, *(name for name in sys.modules if name.startswith(("tools.workflows.", "server.storage.workflows."))))

asyncio.run(main())
"""
#: what such a gateway may have of it: declarations
DECLARED = {
    "server.storage.workflows.runs",
    "server.storage.workflows.runs.suspension",
    "server.storage.workflows.use",
    "tools.workflows.errors",
    "tools.workflows.ingestion",
    "tools.workflows.ingestion.accounts",
    "tools.workflows.jobs",
    "tools.workflows.jobs.report",
    "tools.workflows.stores",
    "tools.workflows.topics",
    "tools.workflows.webhooks",
    "tools.workflows.webhooks.kept",
}


def test_an_empty_gateway_loads_nothing_of_durable_work(tmp_path: Path) -> None:
    """Issue 15: where no workflow, schedule or webhook exists, start and memory are as they were without them."""
    command = [sys.executable, "-c", EMPTY_GATEWAY, str(put_data_directory(tmp_path))]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60)
    needed, *loaded = ended.stdout.split()
    assert needed == "[False]"
    assert set(loaded) - DECLARED == set()


def test_no_table_names_a_condition_of_postgresql() -> None:
    """SQLAlchemy loads the dialect of every keyword that a table or an index has; PostgreSQL's indexes are made by the migrations."""
    schema = [path for path in sources() if "server/storage" in str(path) and "migrations" not in path.parts]
    assert schema
    assert [path.name for path in schema if "postgresql_where" in path.read_text(encoding="utf-8")] == []


def imported_by(module: str) -> Iterator[str]:
    """Yield what the top of a file of ours imports; of an import under TYPE_CHECKING or in a function nothing is loaded."""
    path = (REPOSITORY / module.replace(".", "/")).with_suffix(".py")
    if module.partition(".")[0] not in PACKAGES or not path.is_file():
        return
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
