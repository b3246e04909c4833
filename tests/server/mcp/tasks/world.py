"""A gateway on a real port, an upstream that answers when a test lets it, and clients that take tasks, written as they go over the wire."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from aiohttp import web

from oauth.tenants import DEFAULT_TENANT, Tenant
from server.app import Gateway
from tests.gateway import add_person, bring_openapi, served, token_for
from tests.server.mcp.requests import modern_body, modern_headers
from tests.waiting import until

EXTENSION = "io.modelcontextprotocol/tasks"
TAKES_TASKS: dict[str, Any] = {"extensions": {EXTENSION: {}}}
READ = {"api": "notes.notes.list", "args": {}}
PLAN = {
    "steps": [
        {"id": "one", "api": "notes.notes.create", "args": {"text": "first"}},
        {"id": "two", "api": "notes.notes.create", "args": {"text": "second"}, "depends_on": ["one"]},
    ]
}


def document(url: str) -> dict[str, Any]:
    """Return the upstream's OpenAPI document."""
    note = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    body = {"required": True, "content": {"application/json": {"schema": note}}}
    answers = {"200": {"description": "ok"}}
    paths = {
        "/notes": {
            "get": {"operationId": "notes.list", "summary": "List notes", "responses": answers},
            "post": {"operationId": "notes.create", "summary": "Create a note", "requestBody": body, "responses": answers},
        }
    }
    return {"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"}, "servers": [{"url": url}], "paths": paths}


@dataclass
class Upstream:
    """Keeps notes. `gate`: open, it answers; `arrived` counts the requests that came, `left` those whose caller went away."""

    gate: anyio.Event = field(default_factory=anyio.Event)
    written: list[str] = field(default_factory=list)
    arrived: int = 0
    left: int = 0

    async def list(self, request: web.Request) -> web.Response:
        await self._pass()
        return web.json_response({"notes": self.written})

    async def create(self, request: web.Request) -> web.Response:
        text = (await request.json())["text"]
        await self._pass()
        self.written.append(text)
        return web.json_response({"text": text})

    async def _pass(self) -> None:
        self.arrived += 1
        try:
            await self.gate.wait()
        except BaseException:
            self.left += 1
            raise


@dataclass
class TaskClient:
    """A client of 2026-07-28 that declares the extension, or does not."""

    http: httpx2.AsyncClient
    token: str
    capabilities: Mapping[str, Any] = field(default_factory=lambda: TAKES_TASKS)
    #: further headers; one that the fast path leaves to the SDK makes its requests go the long way
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/mcp"

    async def post(self, method: str, params: Mapping[str, Any], name: str | None, **headers: str) -> httpx2.Response:
        body = modern_body(method, params, capabilities=self.capabilities)
        sent = {**modern_headers(method, name), "authorization": f"Bearer {self.token}", **self.headers, **headers}
        with anyio.fail_after(30):
            return await self.http.post(self.path, json=body, headers=sent)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return result_of(await self.post("tools/call", {"name": tool, "arguments": arguments}, tool))

    async def task(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool, which becomes a task; return its id."""
        result = await self.call(tool, arguments)
        assert result["resultType"] == "task", result
        return str(result["taskId"])

    async def about(self, what: str, task_id: str, **params: Any) -> httpx2.Response:
        return await self.post(f"tasks/{what}", {"taskId": task_id, **params}, task_id)

    async def get(self, task_id: str) -> dict[str, Any]:
        return result_of(await self.about("get", task_id))

    async def until(self, task_id: str, *statuses: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def has_it() -> bool:
            found.update(await self.get(task_id))
            return found["status"] in statuses

        await until(has_it)
        return found


def result_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the result of a JSON answer, or of the last event of a stream."""
    if response.headers["content-type"].startswith("text/event-stream"):
        message = [json.loads(line[5:]) for line in response.text.splitlines() if line.startswith("data:")][-1]
    else:
        message = response.json()
    assert "result" in message, message
    result: dict[str, Any] = message["result"]
    return result


@dataclass
class TasksWorld:
    gateway: Gateway
    upstream: Upstream
    http: httpx2.AsyncClient
    ada: TaskClient

    async def client(self, email: str, tenant: str = DEFAULT_TENANT, **options: Any) -> TaskClient:
        """Return the client of another person, in a tenant that is made where it is missing."""
        if tenant not in self.gateway.tenants.live:
            await self.gateway.store.tenants.add(Tenant(tenant, tenant.title()))
            await self.gateway.tenants.load(self.gateway.store.tenants.all)
        subject = await add_person(self.gateway, email, tenant)
        path = "/mcp" if tenant == DEFAULT_TENANT else f"/mcp/{tenant}"
        return TaskClient(self.http, await token_for(self.gateway, subject, tenant), path=path, **options)


@asynccontextmanager
async def tasks_world(folder: Path, *, after_s: float = 0.05) -> AsyncIterator[TasksWorld]:
    """Give it all; calls become tasks after `after_s`."""
    upstream = Upstream()
    app = web.Application()
    app.router.add_get("/notes", upstream.list)
    app.router.add_post("/notes", upstream.create)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    described = folder / "notes.json"
    described.write_text(json.dumps(document(f"http://127.0.0.1:{runner.addresses[0][1]}")), encoding="utf-8")
    async with served(folder / "data", egress_allow=("127.0.0.1:*",), mcp_task_after_s=after_s) as gateway:
        await bring_openapi(gateway, described, "notes")
        subject = await add_person(gateway)
        async with httpx2.AsyncClient(base_url=gateway.settings.base_url, timeout=30) as http:
            yield TasksWorld(gateway, upstream, http, TaskClient(http, await token_for(gateway, subject)))
            upstream.gate.set()
    await runner.cleanup()
