"""A platform that signs statements about its workloads, served on loopback with its OpenID configuration and keys."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from server.http.server import HttpServer
from tests.server.admin.machine_keys import new_key, signed


@dataclass
class Issuer:
    """`asked`: how often its keys were fetched; while it `is_down`, in vain."""

    url: str
    key: ECKey = field(default_factory=new_key)
    asked: int = 0
    is_down: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.url.path == "/.well-known/openid-configuration":
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})
        self.asked += 1
        if self.is_down:
            return Response(status_code=503)
        return JSONResponse({"keys": [json.loads(json.dumps(self.key.as_dict(private=False)))]})

    def says(self, claims: dict[str, Any], key: ECKey | None = None, **header: Any) -> str:
        """Return a statement about a workload."""
        return signed(key or self.key, {"iss": self.url, "sub": "repo:acme/app:ref:refs/heads/main"} | claims, **header)


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = Issuer(f"http://127.0.0.1:{listener.getsockname()[1]}")
        async with anyio.create_task_group() as running:
            server = HttpServer(issuer)
            running.start_soon(server.serve, [listener])
            await server.until_ready()
            yield issuer
            server.should_exit = True
