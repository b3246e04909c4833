"""Composition root: open what the gateway needs, put it together, give the URL table."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from capability_index.index import CapabilityIndex
from oauth.tenants import Tenants
from server.assembly.administration.administration import Administration
from server.assembly.ai_gateway import AiGateway, open_ai_gateway
from server.assembly.alerts import Alerts
from server.assembly.authorization import AuthorizationServer, OAuthStores
from server.assembly.builtins import open_browser
from server.assembly.connections import Connections, assemble_connections
from server.assembly.context_plane.context_plane import ContextPlane
from server.assembly.context_plane.with_models import context_with_models
from server.assembly.edge import Edge
from server.assembly.log_sinks import LogShipping
from server.assembly.mcp import assemble_mcp
from server.assembly.metrics import health_routes, register_metrics
from server.assembly.operations import Operations, open_operations
from server.assembly.pages import assemble_people
from server.assembly.plan_limits import PlanLimits
from server.assembly.provider_titles import ProviderTitles
from server.assembly.reports import report_sources
from server.assembly.scopes import SubjectScopes
from server.assembly.shared_state import SharedState, open_shared_state
from server.assembly.workflows.late_work import LateWork
from server.assembly.workflows.webhooks import Webhooks
from server.audited import unaudited
from server.background import kept_up
from server.config.settings import Settings
from server.config_versions.live import LiveConfig
from server.config_versions.versions import TOPIC
from server.discovery import Discovery
from server.error_responses import exception_handlers
from server.housekeeping import Housekeeping
from server.mcp.front import McpFront
from server.model_api.front import ModelFront
from server.networks import Networks
from server.observability.siblings import ALONE, Siblings
from server.observability.token_exchanges import TokenExchanges
from server.pages.page import Pages
from server.pages.reading import Reading
from server.proxy_headers import ProxyHeaders
from server.reports.sources import Sources
from server.rest_api.callers import RestCallers
from server.rest_api.endpoint import RestEndpoint
from server.rest_api.front import RestFront
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import StoreUnavailable
from server.storage.store import Store, open_store
from tools.egress.client import Egress

if TYPE_CHECKING:
    from server.assembly.workflows.durable_work import DurableWork
    from server.assembly.workflows.schedules import ScheduledWork
    from tools.workflows.schedules.setting import Schedules


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
    ai_gateway: AiGateway
    context: ContextPlane
    late: LateWork
    webhooks: Webhooks
    config: LiveConfig
    reports: Sources
    administration: Administration
    alerts: Alerts
    edge: Edge
    shared: SharedState

    @property
    def work(self) -> "DurableWork":
        """Runs of workflows, loaded now if they were not."""
        return self.late.work

    @property
    def scheduled(self) -> "ScheduledWork":
        """Schedules, loaded now if they were not."""
        return self.late.scheduled


@asynccontextmanager
async def open_gateway(settings: Settings, *, at_work: bool = True, siblings: Siblings = ALONE) -> AsyncIterator[Gateway]:
    """Open the store and the snapshots, start the background work, and give the application; leaving it ends all in order.

    `at_work` False: for a command that only looks, beside a gateway that works: nothing runs in the background. `siblings`: the other
    processes of this gateway.
    """
    async with AsyncExitStack() as stack:
        # What it does by itself, and whatever runs in the background from here on, is nobody's doing.
        upkeep = stack.enter_context(ExitStack())
        upkeep.enter_context(unaudited())
        store = await stack.enter_async_context(open_store(settings))
        egress = await stack.enter_async_context(Egress(settings.egress.egress_allow))
        feed = ChangeFeed(store.database)
        await feed.start()  # Before the snapshots are loaded: what changes meanwhile is told twice rather than never.
        config = LiveConfig(store.config_versions)
        await config.load()
        tenants = Tenants(await store.tenants.all())
        connections = await assemble_connections(settings, store, egress)
        shared = await stack.enter_async_context(open_shared_state(settings, connections.proof_key("shared state"), at_work=at_work))
        plan_limits = PlanLimits(tenants, shared.arrivals)

        def index() -> CapabilityIndex:
            return operations.index.index

        ai_gateway = await stack.enter_async_context(
            open_ai_gateway(settings, store, tenants, connections.known, lambda texts: index().encode(texts), shared)
        )
        context = context_with_models(settings, store, tenants, egress, ai_gateway, index)
        reports = report_sources(store, lambda: operations)
        work = LateWork(
            settings,
            store,
            tenants,
            egress,
            lambda: operations,
            lambda tenant_id, subject: scopes.allowed(tenant_id, subject),
            reports,
            lambda: config.current.jobs,
        )
        pages = await stack.enter_async_context(open_browser(settings.browser))
        of_planes = [*ai_gateway.functions(store), *context.functions(), *work.functions(), *pages]
        operations = await stack.enter_async_context(
            open_operations(
                settings, store, tenants, egress, connections, of_planes, plan_limits.counted(ai_gateway.metered), context.names, shared
            )
        )
        shared.follow(ai_gateway.calls.books.breakers, operations.upstreams)
        scopes = SubjectScopes(store.subjects, operations.catalog)
        titles = ProviderTitles(store.operations, tenants)
        await titles.load()
        exchanges = TokenExchanges(store.token_hours, (StoreUnavailable, OSError))
        authorization = _authorization_server(settings, store, tenants, egress, scopes, titles, exchanges)
        people = assemble_people(settings, store, tenants, egress, authorization, connections.vault, titles, shared.arrivals)
        shipping = LogShipping(settings, store, connections.vault, egress, lambda: config.current.sinks)
        webhooks = Webhooks(settings, store, connections.vault, tenants, people.limits)
        mcp = assemble_mcp(settings, store, connections, operations, work)
        alerts = Alerts(settings, store, feed, egress, connections, operations, ai_gateway, work, config, shared)
        edge = Edge(settings, egress, lambda: operations.call_log, shared.windows)
        housekeeping = Housekeeping(store, feed, authorization, operations.usage, lambda: config.current.retention, work, context)

        async def schedules() -> "Schedules":
            return (await work.schedules())[1]

        async def tenants_changed(changes: list[Change]) -> None:
            before = {each.tenant_id: each.created_at_us for each in tenants.all()}
            await tenants.load(store.tenants.all)
            plan_limits.tenants_changed()
            now = {each.tenant_id: each.created_at_us for each in tenants.all() if not each.leaving}
            for tenant_id in {change.item for change in changes}:
                # Who has the name of one that left is another, also where this process heard of both at once.
                if tenant_id in now and before.get(tenant_id, now[tenant_id]) == now[tenant_id]:
                    continue
                operations.forget_tenant(tenant_id)
                ai_gateway.forget_tenant(tenant_id)

        async def config_changed(changes: list[Change]) -> None:
            await config.changed(changes)
            await work.config_changed()

        for listening in (authorization, ai_gateway, context, work, webhooks, mcp, operations, titles, connections, housekeeping):
            listening.listen(feed)
        feed.listen("tenants", tenants_changed)
        feed.listen(TOPIC, config_changed)
        config.follow(lambda current: people.limits.change(current.limits.in_force))
        config.follow(edge.follow)
        config.follow(plan_limits.config_changed)

        background = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(background.cancel_scope.cancel)
        await stack.enter_async_context(mcp.run())
        if at_work:
            for part in (
                feed.run,
                connections.run,
                housekeeping.run,
                exchanges.run,
                *operations.background(),
                *ai_gateway.background(),
                *context.background(),
                work.run,
                alerts.run,
                shipping.run,
                edge.run,
                *shared.background(),
            ):
                background.start_soon(kept_up, part)
        watched = (ai_gateway, webhooks, alerts, shipping, edge)
        register_metrics(operations.telemetry.registry, settings, store, exchanges, connections, work, shared, watched)
        administration = Administration(
            settings=settings,
            store=store,
            egress=egress,
            tenants=tenants,
            limits=people.limits,
            access_tokens=authorization.access_tokens,
            revocation=authorization.revocation,
            ai_gateway=ai_gateway,
            operations=operations,
            connections=connections,
            work=work,
            config=config,
            reports=reports,
            shared=shared,
            siblings=siblings,
        )
        routes: list[BaseRoute] = [
            *Discovery(settings).routes(),
            *health_routes(operations.telemetry, settings, store, feed, shared, siblings),
            *people.routes,
            *connections.routes(
                tenants, people.sessions, people.pages, operations.catalog.connections, operations.key_parts, Reading(schedules)
            ),
            *authorization.routes(sessions=people.sessions, pages=people.pages, limits=people.limits),
            *webhooks.routes(),
            *administration.routes(),
        ]
        model_api = ai_gateway.endpoint(settings, tenants, authorization.access_tokens)
        callers = RestCallers(authorization.access_tokens, tenants, settings, authorization.revocation)
        # decision 0018: what a request passes stands in the order of how often they come.
        rest = RestFront(RestEndpoint(operations.dispatcher, callers), ModelFront(model_api, _behind_proxy(routes, people.pages, settings)))
        app = McpFront(authorization.guard(mcp), edge.front(rest))
        upkeep.close()
        yield Gateway(
            app=app,
            settings=settings,
            store=store,
            tenants=tenants,
            connections=connections,
            operations=operations,
            authorization=authorization,
            ai_gateway=ai_gateway,
            context=context,
            late=work,
            webhooks=webhooks,
            config=config,
            reports=reports,
            administration=administration,
            alerts=alerts,
            edge=edge,
            shared=shared,
        )


def _authorization_server(
    settings: Settings,
    store: Store,
    tenants: Tenants,
    egress: Egress,
    scopes: SubjectScopes,
    titles: ProviderTitles,
    exchanges: TokenExchanges,
) -> AuthorizationServer:
    return AuthorizationServer(
        settings=settings,
        stores=OAuthStores(store.grants, store.clients, store.security_events, store.static_tokens, store.machines),
        tenants=tenants,
        send=egress.outbound,
        allowed_scopes=scopes.allowed,
        provider_scopes=scopes.of_providers,
        provider_title=titles,
        subject_of=store.identities.linked,
        watch=exchanges.exchanged,
    )


def _behind_proxy(routes: list[BaseRoute], pages: Pages, settings: Settings) -> ASGIApp:
    """Return the application of everything but MCP: what a proxy says of the caller is of use here, and costs each MCP call a layer."""
    app = Starlette(routes=routes, exception_handlers=exception_handlers(pages.nowhere))
    app.router.redirect_slashes = False
    return ProxyHeaders(app, Networks(settings.origin.trusted_proxies), settings.data_dir)
