"""Composition root: open what the gateway needs, put it together, give the URL table."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp

from oauth.tenants import Tenants
from server.assembly.authorization import AuthorizationServer, assemble_authorization
from server.assembly.connections import Connections, assemble_connections
from server.assembly.operations import Operations, assemble_operations
from server.assembly.scopes import SubjectScopes
from server.bearer import BearerGuard, Challenges
from server.config import Settings
from server.discovery import Discovery
from server.error_responses import exception_handlers
from server.health import Health
from server.mcp_endpoint import McpEndpoint
from server.storage.change_feed import Change, ChangeFeed
from server.storage.store import Store, open_store
from tools.egress import Egress


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its ASGI application, and the parts that commands and tests look into."""

    app: ASGIApp
    settings: Settings
    store: Store
    tenants: Tenants
    connections: Connections
    operations: Operations
    authorization: AuthorizationServer


@asynccontextmanager
async def open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Open the store and the snapshots, start the background work, and give the application; leaving it ends all in order."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        egress = await stack.enter_async_context(Egress(settings.egress_allow))
        feed = ChangeFeed(store.database)
        await feed.start()  # Before the snapshots are loaded: what changes meanwhile is told twice rather than never.
        tenants = Tenants(await store.tenants.all())
        connections = await assemble_connections(settings, store, egress)
        operations = await assemble_operations(settings, store, tenants, egress, connections)
        authorization = assemble_authorization(settings, store, tenants, egress, SubjectScopes(store.subjects, operations.catalog))
        mcp = McpEndpoint(dispatcher=operations.dispatcher, step_up=Challenges(settings).step_up, settings=settings)

        async def tenants_changed(_changes: list[Change]) -> None:
            tenants.replace(await store.tenants.all())

        feed.listen("tenants", tenants_changed)
        feed.listen("tokens", authorization.tokens_changed)
        feed.listen("operations", operations.operations_changed)
        feed.listen("connections", connections.changed)

        background = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(background.cancel_scope.cancel)
        await stack.enter_async_context(mcp.run())
        stack.push_async_callback(operations.call_log.flush)
        background.start_soon(feed.run)
        background.start_soon(operations.call_log.run)
        background.start_soon(connections.run)

        guard = BearerGuard(
            mcp, access_tokens=authorization.access_tokens, tenants=tenants, settings=settings, revocation=authorization.revocation
        )
        health = Health(operations.telemetry, {"store": store.database.ping})
        pages = connections.routes(tenants, authorization.sessions, authorization.pages)
        app = application(settings, [*Discovery(settings).routes(), *health.routes(), *authorization.routes, *pages], guard)
        yield Gateway(app, settings, store, tenants, connections, operations, authorization)


def application(settings: Settings, routes: list[BaseRoute], mcp: ASGIApp) -> Starlette:
    """Return the URL table: everything at its own path, the MCP endpoint at `/mcp` and below."""
    mcp_routes = [Route(path, mcp, include_in_schema=False) for path in ("/mcp", "/mcp/", "/mcp/{tenant}", "/mcp/{tenant}/")]
    app = Starlette(routes=[*routes, *mcp_routes], exception_handlers=dict(exception_handlers()))
    assert isinstance(app.router, Router)
    # A redirect from /mcp/ to /mcp would lose the body or the token in several clients (facts in docs/decisions).
    app.router.redirect_slashes = False
    return app
