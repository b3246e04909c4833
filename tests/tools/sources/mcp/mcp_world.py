"""A gateway's side of remote MCP servers: sessions and a runner, on a clock that a test turns."""

from dataclasses import dataclass, field, replace

from oauth.connections.credentials import Credential
from oauth.principal import Principal
from tests.tools.sources.http.api_world import Wallet
from tests.tools.sources.mcp.mcp_upstream import McpUpstream
from tests.tools.sources.openapi.callable import ADA, call_of
from tools.egress.client import Egress
from tools.operation import CallOptions, Failure, Operation, Outcome
from tools.sources.mcp.import_server import import_server
from tools.sources.mcp.runner import McpRunner
from tools.sources.mcp.session_pool import McpSessions

BOB = replace(ADA, subject="bob")


@dataclass
class McpWorld:
    """A gateway's side: sessions and a runner, on a clock that a test turns."""

    egress: Egress
    sessions: McpSessions
    runner: McpRunner
    wallet: Wallet
    now: list[float] = field(default_factory=lambda: [0.0])

    async def operations(self, upstream: McpUpstream, credential: Credential | None = None) -> dict[str, Operation]:
        imported = await import_server(self.egress, upstream.url, provider="notes", tenant_id=None, credential=credential)
        return {operation.id: operation for operation in imported.operations}

    async def run(
        self, operation: Operation, principal: Principal = ADA, options: CallOptions = CallOptions(), **arguments: object
    ) -> Outcome:
        return await self.runner.run(replace(call_of(operation, arguments, options), principal=principal))

    async def failure(self, operation: Operation, options: CallOptions = CallOptions(), **arguments: object) -> Failure:
        outcome = await self.run(operation, ADA, options, **arguments)
        assert outcome.error is not None
        return outcome.error
