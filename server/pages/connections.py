"""`/connections`: the accounts of the person who is signed in, and how to connect, rename, choose and disconnect them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.request import BrowserSession
from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.connectable import Connectable
from oauth.connections.connecting.keys import check_provider
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import EVERYBODY
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import ConnectionRefused, UnknownConnection
from oauth.connections.provider import Provider
from oauth.connections.upstream.registrations import Registrations
from oauth.parameters import Parameters
from oauth.principal import Principal
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants
from server.audited import doing
from server.pages.browser_session import BrowserSessions
from server.pages.page import Pages, see_other
from server.pages.reading import Reading
from server.pages.refusals import PageRefused, for_people, no_such_tenant
from server.pages.visit import connections_url, sign_in_url
from server.posted_form import read_form

#: the client id of what a person asks for on our own page
OURSELVES = "ascend-pages"
#: what the form tokens of this page are bound to
PURPOSE = "connections"
DONE: Mapping[str, str] = {
    "renamed": "The account has its new name.",
    "default": "Calls that name no account use this one now.",
    "disconnected": "The account is disconnected, here and at the provider.",
    "forgotten": "The account is disconnected here. The provider could not be told for certain: end it in its own settings as well.",
    "stopped": "Nothing is read there any more. What was read before stays.",
    "reading": "It is read again.",
    "key": "The key is forgotten here. It works until it is deleted where it was made.",
}


@dataclass(frozen=True, slots=True)
class _ConnectionsVisit:
    tenant: Tenant
    principal: Principal
    form: Parameters


class ConnectionsPage:
    def __init__(
        self,
        *,
        tenants: Tenants,
        sessions: BrowserSessions,
        pages: Pages,
        connections: KnownConnections,
        changes: ConnectionChanges,
        links: ConnectLinks,
        registrations: Registrations,
        connectable: Connectable,
        reading: Reading,
    ) -> None:
        self._tenants, self._sessions, self._pages = tenants, sessions, pages
        self._connections, self._changes, self._links, self._registrations = connections, changes, links, registrations
        self._connectable, self._reading = connectable, reading
        self._actions: Mapping[str, Callable[[_ConnectionsVisit], Awaitable[str]]] = {
            "connect": self._connect,
            "reconnect": self._reconnect,
            "rename": self._rename,
            "default": self._make_default,
            "disconnect": self._disconnect,
            "stop-reading": self._stop_reading,
            "read-on": self._read_on,
        }

    def routes(self) -> list[Route]:
        show, take = for_people(self._pages, self.show), for_people(self._pages, self.take)
        return [
            Route(path, endpoint, methods=[method])
            for path in ("/connections", "/connections/{tenant}")
            for method, endpoint in (("GET", show), ("POST", take))
        ]

    async def show(self, request: Request) -> Response:
        tenant = self._tenant(request)
        session = await self._sessions.current(request, tenant.tenant_id)
        if session is None:
            return see_other(sign_in_url(tenant.tenant_id, connections_url(tenant.tenant_id)))
        return await self._page(request, tenant, session)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        tenant = self._tenant(request)
        form = await read_form(request)
        session = await self._sessions.current(request, tenant.tenant_id)
        if session is None:
            return see_other(sign_in_url(tenant.tenant_id, connections_url(tenant.tenant_id)))
        await self._sessions.check_form(request, form.get("csrf") or "", PURPOSE, tenant.tenant_id)
        act = self._actions.get(form.get("action") or "")
        if act is None:
            raise PageRefused(400, "Nothing was done", "The form did not say what to do.", ("Back", connections_url(tenant.tenant_id)))
        doing(f"connections {form.get('action')}", form.get("provider") or "")
        try:
            return see_other(await act(_ConnectionsVisit(tenant, _principal(session), form)))
        except UnknownConnection:
            back = ("Back", connections_url(tenant.tenant_id))
            raise PageRefused(404, "No such account", "It may have been disconnected meanwhile.", back) from None
        except ConnectionRefused as refused:
            return await self._page(request, tenant, session, problem=str(refused), status=400)

    async def _connect(self, visit: _ConnectionsVisit) -> str:
        return await self._links.link(visit.principal, check_provider(visit.form.get("provider") or ""), frozenset())

    async def _reconnect(self, visit: _ConnectionsVisit) -> str:
        connection = await self._changes.own(visit.principal, *_named(visit.form))
        return await self._links.link(visit.principal, connection.provider, connection.scopes or frozenset(), connection.account_id)

    async def _rename(self, visit: _ConnectionsVisit) -> str:
        await self._changes.rename(visit.principal, *_named(visit.form), (visit.form.get("alias") or "").strip())
        return _done(visit, "renamed")

    async def _make_default(self, visit: _ConnectionsVisit) -> str:
        await self._changes.make_default(visit.principal, *_named(visit.form))
        return _done(visit, "default")

    async def _disconnect(self, visit: _ConnectionsVisit) -> str:
        connection, revoked = await self._changes.disconnect(visit.principal, *_named(visit.form))
        if connection.kind != "bearer":
            return _done(visit, "key")
        return _done(visit, "disconnected") if revoked else f"{_done(visit, 'forgotten')}&provider={connection.provider}"

    async def _stop_reading(self, visit: _ConnectionsVisit) -> str:
        await self._reading.stop(visit.tenant.tenant_id, self._own_provider(visit), visit.principal.subject)
        return _done(visit, "stopped")

    async def _read_on(self, visit: _ConnectionsVisit) -> str:
        await self._reading.go_on(visit.tenant.tenant_id, self._own_provider(visit), visit.principal.subject)
        return _done(visit, "reading")

    def _own_provider(self, visit: _ConnectionsVisit) -> str:
        """Return the provider that the form names, where the person has an account of their own. Raises ConnectionRefused."""
        provider = check_provider(visit.form.get("provider") or "")
        if all(account.subject == EVERYBODY for account in self._connections.of_provider(visit.principal, provider)):
            raise ConnectionRefused("you have no account of your own there")
        return provider

    async def _page(self, request: Request, tenant: Tenant, session: BrowserSession, *, problem: str = "", status: int = 200) -> Response:
        principal = _principal(session)
        groups = []
        for name in self._connectable.providers(principal):
            accounts = self._connections.of_provider(principal, name)
            rows = [(account, self._connections.readiness_of(account), account.subject == EVERYBODY) for account in accounts]
            is_own = any(account.subject != EVERYBODY for account in accounts)
            reading = await self._reading.of(tenant.tenant_id, name, principal.subject) if is_own else None
            groups.append((self._registrations.provider(tenant.tenant_id, name), rows, reading))
        response = self._pages.render(
            "connections",
            status=status,
            groups=groups,
            email=session.email,
            tenant=tenant,
            here=connections_url(tenant.tenant_id),
            csrf=await self._sessions.csrf_token(request, PURPOSE, tenant.tenant_id),
            done=DONE.get(done := request.query_params.get("done", "")),
            remove_at=self._remove_at(tenant, request.query_params.get("provider", "")) if done == "forgotten" else None,
            problem=problem,
        )
        self._sessions.bind_browser(request, response)
        return response

    def _remove_at(self, tenant: Tenant, provider_id: str) -> Provider | None:
        """Return the provider whose own page ends the authorization: the address comes from its file, never from the request."""
        try:
            provider = self._registrations.provider(tenant.tenant_id, check_provider(provider_id))
        except ConnectionRefused:
            return None
        return provider if provider.remove_at else None

    def _tenant(self, request: Request) -> Tenant:
        tenant = self._tenants.get(request.path_params.get("tenant", DEFAULT_TENANT))
        if tenant is None:
            raise no_such_tenant()
        return tenant


def _principal(session: BrowserSession) -> Principal:
    return Principal(session.tenant_id, session.subject, OURSELVES, frozenset(), "", "local")


def _named(form: Parameters) -> tuple[str, str]:
    return form.get("provider") or "", form.get("account") or ""


def _done(visit: _ConnectionsVisit, what: str) -> str:
    return f"{connections_url(visit.tenant.tenant_id)}?done={what}"
