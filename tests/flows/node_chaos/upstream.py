"""A system that keeps notes and says so: what was written, and how often."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Notes:
    written: Counter[str] = field(default_factory=Counter)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Notes"]:
        app = web.Application()
        app.router.add_get("/notes/{number}", self._show)
        app.router.add_post("/notes", self._create)
        app.router.add_delete("/notes/{number}", self._show)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"number": int(request.match_info["number"])})

    async def _create(self, request: web.Request) -> web.Response:
        text = (await request.json())["text"]
        self.written[text] += 1
        return web.json_response({"text": text})

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        note = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
        number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
        answers = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
        body = {"required": True, "content": {"application/json": {"schema": note}}}
        paths = {
            "/notes": {"post": {"operationId": "create", "summary": "Create a note", "requestBody": body, "responses": answers}},
            "/notes/{number}": {
                "get": {"operationId": "show", "summary": "Show a note", "parameters": [number], "responses": answers},
                "delete": {"operationId": "delete", "summary": "Delete a note", "parameters": [number], "responses": answers},
            },
        }
        return {"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"}, "servers": [{"url": self.url}], "paths": paths}
