"""What cannot be undone runs as long as it is what a person accepted with the stored plan, and after an import that changed it no more."""

import functools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from aiohttp import web

from server.app import Gateway
from server.http.listen import listen
from tests.command_line import Said, ascend_here
from tests.gateway import EMAIL, SCOPES, add_person, bring_openapi, opened
from tests.waiting import until
from tools.workflows.stores import ENDED, ActsFor, RunState, RunView

CLEAN = """
workflow: clean
allow: destructive
steps:
  - {id: first, api: crm.contacts.delete, args: {id: "1"}}
  - {id: yes, api: wait, args: {signal: go-on, timeout_s: 3600}, depends_on: [first]}
  - {id: second, api: crm.contacts.delete, args: {id: "2"}, depends_on: [yes]}
"""


@dataclass
class House:
    gateway: Gateway
    folder: Path
    url: str
    ada: ActsFor
    #: paths that something was deleted under
    deleted: list[str] = field(default_factory=list)

    async def bring(self, below: str = "", answers: str = "ok") -> None:
        """Import the upstream's document, whose deletion is `below` a path."""
        given = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        delete = {"operationId": "contacts.delete", "parameters": [given], "responses": {"200": {"description": answers}}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "CRM", "version": "1"},
            "servers": [{"url": self.url + below}],
            "paths": {"/contacts/{id}": {"delete": delete}},
        }
        file = self.folder / "crm.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        await bring_openapi(self.gateway, file, "crm")

    async def apply(self) -> Said:
        file = self.folder / "clean.yaml"
        file.write_text(CLEAN, encoding="utf-8")
        command = functools.partial(ascend_here, "workflow", "apply", str(file), "--as", EMAIL, data_dir=self.folder / "data")
        return await anyio.to_thread.run_sync(command)

    async def start(self) -> str:
        run_id = await self.gateway.work.workflows.start("default", "clean", {}, acts_for=self.ada)
        await self.comes_to(run_id, "waiting", *ENDED)
        return run_id

    async def go_on(self, run_id: str) -> RunView:
        await self.gateway.work.workflows.signal("default", run_id, "go-on", True, key="1")
        return await self.comes_to(run_id, *ENDED)

    async def comes_to(self, run_id: str, *states: RunState) -> RunView:
        seen: list[RunView] = []

        async def is_there() -> bool:
            view = await self.gateway.work.workflows.show("default", run_id)
            seen[:] = [view] if view is not None else []
            return view is not None and view.state in states

        await until(is_there)
        return seen[0]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    deleted: list[str] = []

    async def delete(request: web.Request) -> web.Response:
        deleted.append(request.path)
        return web.json_response({})

    app = web.Application()
    app.router.add_delete("/{path:.*}", delete)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = listen("127.0.0.1", 0)
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    await web.SockSite(runner, listener).start()
    try:
        async with opened(tmp_path / "data", egress_allow=(place,)) as gateway:
            found = House(gateway, tmp_path, f"http://{place}", ActsFor(await add_person(gateway), SCOPES), deleted)
            await found.bring()
            yield found
    finally:
        await runner.cleanup()


def refusal(view: RunView) -> Any:
    assert view.failure is not None
    return view.failure.code, view.failure.message


async def test_an_import_that_changes_what_is_done_asks_again(house: House) -> None:
    """In a run under way, too: what it did before stays done, and its next step is refused until somebody accepts what is there now."""
    said = await house.apply()
    assert said.returncode == 0, said
    done = await house.go_on(await house.start())
    assert (done.state, house.deleted) == ("succeeded", ["/contacts/1", "/contacts/2"])
    under_way = await house.start()
    await house.bring("/archive")
    view = await house.go_on(under_way)
    assert [(step.name, step.state) for step in view.steps] == [("first", "succeeded"), ("yes", "succeeded"), ("second", "failed")]
    code, message = refusal(view)
    assert (code, "is not what was agreed to" in message) == ("needs_confirmation", True)
    assert refusal(await house.comes_to(await house.start(), *ENDED))[0] == "needs_confirmation"
    assert house.deleted[2:] == ["/contacts/1"]
    assert "clean version 2 is in force" in (await house.apply()).stdout
    assert (await house.go_on(await house.start())).state == "succeeded"
    assert house.deleted[3:] == ["/archive/contacts/1", "/archive/contacts/2"]


async def test_an_import_that_changes_answers_alone_asks_nobody(house: House) -> None:
    await house.apply()
    await house.bring(answers="it is gone now")
    assert (await house.go_on(await house.start())).state == "succeeded"
    assert "says the same" in (await house.apply()).stdout
