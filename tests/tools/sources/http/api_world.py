"""An imported API, its upstream on loopback, and the runner that calls it with the credentials of a test."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from oauth.connections.credentials import Credential, Readiness
from oauth.connections.errors import ConnectionNeeded
from oauth.principal import Principal
from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.upstream import Upstream
from tests.tools.sources.openapi.callable import call_of
from tools.operation import NO_DIRECTIONS, CallOptions, Directions, Operation, Outcome
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

NOW = 1_700_000_000.0
#: an operation of which nothing is said
GET: dict[str, Any] = {"responses": {}}


@dataclass
class Wallet:
    """Credentials as a test sets them."""

    credential: Credential | None = None
    newer: Credential | None = None
    asked: list[tuple[str, frozenset[str], str | None]] = field(default_factory=list)
    ready: Readiness | None = None

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return self.ready or Readiness(provider, "ready" if self.credential else "needs_auth")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        self.asked.append((provider, scopes, account))
        if self.credential is None:
            raise ConnectionNeeded(self.readiness(principal, provider, scopes), "https://gateway.example/connect/1", "connect it")
        return self.credential

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return self.newer


@dataclass
class ApiWorld:
    upstream: Upstream
    wallet: Wallet
    results: MemoryResultStore
    runner: OpenApiRunner

    def operation(self, node: dict[str, Any], method: str = "get", path: str = "/things", **root: Any) -> Operation:
        whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://elsewhere.example"}], "paths": {path: {method: node}}}
        raw = json.dumps(whole | root).encode()
        (operation,) = import_document(raw, provider="api", tenant_id=None, location="d.json", base_url=self.upstream.base_url).operations
        return operation

    async def run(
        self, operation: Operation, options: CallOptions = CallOptions(), directions: Directions = NO_DIRECTIONS, **arguments: Any
    ) -> Outcome:
        return await self.runner.run(replace(call_of(operation, arguments, options), directions=directions))
