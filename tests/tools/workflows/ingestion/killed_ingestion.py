"""A gateway that takes in from Gong until it is killed: `python -m tests.tools.workflows.ingestion.killed_ingestion FOLDER URL`.

Each start goes on where the one before died. Prints `done` when the window and all that it brought have ended.
"""

import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from server.assembly.workflows import durable_work as assembly
from tests.gateway import SCOPES, add_person, bring_openapi, opened
from tests.tools.workflows.ingestion.ingesting import TENANT, connect_gong
from tests.waiting import until
from tools.workflows.engine.engine import Engine
from tools.workflows.stores import ActsFor

#: what a dead process is taken over after; a gateway waits thirty seconds
SILENCE_S = 1.5


async def main(folder: Path, url: str) -> None:
    async with opened(folder, egress_allow=(urlsplit(url).netloc,)) as gateway:
        people = await gateway.store.subjects.of_tenant(TENANT)
        person = people[0].subject_id if people else await add_person(gateway)
        await bring_openapi(gateway, f"{url}/openapi.json", "gong")
        await connect_gong(gateway)
        workflows = gateway.work.workflows
        # The same key is the same run, however often this starts.
        await workflows.start(TENANT, "gong-ingest", {"first_days": 3}, key="night", acts_for=ActsFor(person, SCOPES))

        async def is_done() -> bool:
            return not (await workflows.runs(TENANT, states=("queued", "running", "waiting"))).runs

        await until(is_done)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    setattr(assembly, "Engine", partial(Engine, silence_s=SILENCE_S))  # noqa: B010  of this process alone
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
