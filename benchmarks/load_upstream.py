"""The upstream of the benchmarks under load, a process of its own, and its OpenAPI document: quick, late, refusing, silent and large.

python -m benchmarks.load_upstream PORT PORT_OF_LATE
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

USER = b'{"id":42,"name":"Ada Lovelace","email":"ada@example.com","tags":["a","b"]}'
LARGE = json.dumps({"rows": [{"id": number, "name": f"row {number}", "note": "x" * 40} for number in range(400)]}).encode()
#: how long `late` waits before it answers
LATE_S = 24.0

_PROBLEM = b'{"error":"no such thing","detail":"it was here yesterday"}'
#: path -> status line and body
_ANSWERS = {
    b"/missing": (b"404 Not Found", _PROBLEM),
    b"/broken": (b"500 Internal Server Error", _PROBLEM),
    b"/busy": (b"429 Too Many Requests\r\nRetry-After: 2", _PROBLEM),
    b"/large": (b"200 OK", LARGE),
    b"/cached": (b'200 OK\r\nCache-Control: max-age=30\r\nETag: "1"', USER),
}


class Upstream(asyncio.Protocol):
    """One connection; requests come one at a time, and their bodies are short enough to come with their heads."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._pending = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as a stream connection gives it
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head, end, body = self._pending.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if not end or len(body) < length:
            return
        self._pending = b""
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == b"/reset":
            self._close()
        elif path == b"/late":
            asyncio.get_running_loop().call_later(LATE_S, self._answer, b"200 OK", USER)
        else:
            self._answer(*_ANSWERS.get(path, (b"200 OK", USER)))

    def _answer(self, status: bytes, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self._transport.write(head + body)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def document(url: str, late_url: str) -> bytes:
    """Return the OpenAPI document of the upstream at `url`. `late` has an origin of its own, whose connections nobody else waits for."""
    user = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "tags": {"type": "array"}}}
    answers = {"200": {"description": "one", "content": {"application/json": {"schema": user}}}}
    user_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    note = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    body = {"required": True, "content": {"application/json": {"schema": note}}}
    paths: dict[str, dict[str, Any]] = {
        "/users/{id}": {
            "get": {"operationId": "getUser", "summary": "Get a user", "parameters": [user_id], "responses": answers},
            "delete": {"operationId": "deleteUser", "summary": "Delete a user", "parameters": [user_id], "responses": answers},
        },
        "/notes": {"post": {"operationId": "createNote", "summary": "Create a note", "requestBody": body, "responses": answers}},
        "/private": {
            "get": {"operationId": "getPrivate", "summary": "Read what is private", "responses": answers, "security": [{"key": []}]}
        },
    }
    for name in ("missing", "broken", "busy", "large", "cached", "reset", "late"):
        paths[f"/{name}"] = {"get": {"operationId": f"get{name.title()}", "summary": f"Get what is {name}", "responses": answers}}
    paths["/late"]["servers"] = [{"url": late_url}]
    schemes = {"key": {"type": "http", "scheme": "bearer"}}
    whole = {"openapi": "3.1.0", "info": {"title": "Load", "version": "1"}, "servers": [{"url": url}], "paths": paths}
    return json.dumps({**whole, "components": {"securitySchemes": schemes}}).encode()


async def serve(*ports: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Upstream, "127.0.0.1", port, backlog=4096) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(serve(*map(int, sys.argv[1:])))
