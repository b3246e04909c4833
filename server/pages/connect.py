"""`/connect/{flow}` and the providers' callbacks: a person connects an account, from our page to the provider and back."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.request import BrowserSession
from oauth.connections.connecting.authorization import ConnectFlows
from oauth.connections.connecting.connect_flow import ConnectFlow, hash_of
from oauth.connections.connecting.connected import Connected
from oauth.connections.connecting.keys import check_alias
from oauth.connections.connection import ConnectionSecret
from oauth.connections.errors import ConnectionRefused, FlowRefused
from oauth.connections.finished_flows import FinishedFlows
from oauth.parameters import Parameters
from server.pages.browser_session import BrowserSessions
from server.pages.connections import PURPOSE
from server.pages.page import Pages, see_other
from server.pages.posted_answer import posted_answer
from server.pages.reading import Reading
from server.pages.refusals import PageRefused, cookies_needed, for_people
from server.pages.visit import connections_url, sign_in_url
from server.posted_form import read_form
from tools.sources.key_parts import KeyPart, missing_of, secret_of

#: of a client, by tenant and client id; None where it has none
ClientName = Callable[[str, str], Awaitable[str | None]]
#: of a tenant and a provider, the keys that an account there has
KeyParts = Callable[[str, str], Sequence[KeyPart]]
MAX_SECRET_CHARS = 8192


class ConnectionEndpoints:
    """The link is not a key: who opens it signs in, and must be the subject whose call asked (MCP 2026-07-28, URL elicitation)."""

    def __init__(
        self,
        *,
        flows: ConnectFlows,
        finished: FinishedFlows,
        sessions: BrowserSessions,
        pages: Pages,
        client_name: ClientName,
        key_parts: KeyParts,
        reading: Reading,
    ) -> None:
        self._finished, self._key_parts, self._reading = finished, key_parts, reading
        self._flows, self._sessions, self._pages, self._client_name = flows, sessions, pages, client_name

    def routes(self) -> list[Route]:
        return [
            Route("/connect/callback/{tenant}/{provider}", for_people(self._pages, self.finish), methods=["GET"]),
            Route("/connect/callback/{tenant}/{provider}", for_people(self._pages, posted_answer), methods=["POST"]),
            Route("/connect/{flow}", for_people(self._pages, self.show), methods=["GET"]),
            Route("/connect/{flow}", for_people(self._pages, self.take), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        flow = await self._flow(request)
        session = await self._sessions.current(request, flow.tenant_id)
        if session is None:
            return see_other(sign_in_url(flow.tenant_id, request.scope["path"]))
        await self._check_person(request, flow, session)
        return await self._page(request, flow, session)

    async def take(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        form = await read_form(request)
        if (connected := await self._taken_before(request, form)) is not None:
            return await self._connected(request, connected)
        flow = await self._flow(request)
        session = await self._sessions.current(request, flow.tenant_id)
        if session is None:
            return see_other(sign_in_url(flow.tenant_id, request.scope["path"]))
        await self._check_person(request, flow, session)
        await self._sessions.check_form(request, form.get("csrf") or "", _purpose(flow.flow_hash), flow.tenant_id)
        browser = self._sessions.browser_of(request)
        if browser is None:
            raise cookies_needed()
        alias = (form.get("alias") or "").strip()
        handle = request.path_params["flow"]
        try:
            if alias:
                check_alias(alias)
            if _has_key(form):
                return await self._take_key(request, flow, session, form, alias)
            return see_other(await self._flows.start(handle, session, browser, alias))
        except ConnectionRefused as refused:
            return await self._page(request, flow, session, problem=str(refused), alias=alias, status=400)
        except FlowRefused as refused:
            raise _refused(refused) from refused

    async def finish(self, request: Request) -> Response:
        """Take the provider's answer. Who is signed in is looked up again here: the cookie of the trip alone proves too little."""
        tenant_id, provider = request.path_params["tenant"], request.path_params["provider"]
        answer = _once(request)
        session = await self._sessions.current(request, tenant_id)
        browser = self._sessions.browser_of(request)
        again = await self._finished.by_answer(tenant_id, provider, answer.get("state") or "", session, browser or "")
        if again is not None:
            return await self._connected(request, again)
        try:
            connected = await self._flows.finish(tenant_id, provider, answer, session, browser)
        except (FlowRefused, ConnectionRefused) as refused:
            if browser is None and isinstance(refused, FlowRefused) and refused.status == 403:
                raise cookies_needed(403) from refused
            handle = refused.handle if isinstance(refused, FlowRefused) else ""
            raise _refused(refused, ("Try again", f"/connect/{handle}") if handle else None) from refused
        return await self._connected(request, connected)

    async def _taken_before(self, request: Request, form: Parameters) -> Connected | None:
        """Return what the same form brought when it was sent before: a page that is loaded again sends it again."""
        handle = request.path_params["flow"]
        tenant_id = await self._finished.tenant_of(handle) if _has_key(form) else None
        if tenant_id is None:
            return None
        connected = await self._finished.by_link(handle, await self._sessions.current(request, tenant_id))
        if connected is not None:
            await self._sessions.check_form(request, form.get("csrf") or "", _purpose(hash_of(handle)), tenant_id)
        return connected

    async def _take_key(self, request: Request, flow: ConnectFlow, session: BrowserSession, form: Parameters, alias: str) -> Response:
        given = {name: (form.get(name) or "").strip() for name in ("secret", "username", "session_token", "region", "service")}
        if parts := self._several(flow, form):
            given["secret"] = _together(parts, form)
        if not given["secret"] or any(len(text) > MAX_SECRET_CHARS for text in given.values()):
            raise ConnectionRefused("give the key that the service made for you")
        connected = await self._flows.take_key(request.path_params["flow"], session, ConnectionSecret(**given), alias)
        return await self._connected(request, connected)

    def _several(self, flow: ConnectFlow, form: Parameters | None = None) -> Sequence[KeyPart]:
        """Return the keys that have a field each on the page (or in `form`); none where one field is enough."""
        parts = self._key_parts(flow.tenant_id, flow.provider)
        is_asked = form is None or any(form.all(_field(part)) for part in parts)
        return parts if len(parts) > 1 and is_asked else ()

    async def _connected(self, request: Request, connected: Connected) -> Response:
        """Say what was connected; where it is another account than was meant, offer what the connections page does about it."""
        tenant_id, connection = connected.connection.tenant_id, connected.connection
        reading = await self._reading.of(tenant_id, connection.provider, connection.subject)
        return self._pages.render(
            "connected",
            connected=connected,
            connection=connection,
            reading=reading,
            title=connected.provider.title,
            connections_url=connections_url(tenant_id),
            csrf=await self._sessions.csrf_token(request, PURPOSE, tenant_id) if connected.instead_of or reading else "",
        )

    async def _page(
        self, request: Request, flow: ConnectFlow, session: BrowserSession, *, problem: str = "", alias: str = "", status: int = 200
    ) -> Response:
        view = await self._flows.view(flow)
        response = self._pages.render(
            "connect",
            status=status,
            view=view,
            keys=[(_field(part), part) for part in self._several(flow)] if view.provider.auth == "api_key" else [],
            email=session.email,
            client_name=await self._client_name(flow.tenant_id, flow.client_id),
            csrf=await self._sessions.csrf_token(request, _purpose(flow.flow_hash), flow.tenant_id),
            here=request.scope["path"],
            alias=alias or view.alias,
            problem=problem,
            connections_url=connections_url(flow.tenant_id),
        )
        self._sessions.bind_browser(request, response)
        return response

    async def _flow(self, request: Request) -> ConnectFlow:
        try:
            return await self._flows.find(request.path_params["flow"])
        except FlowRefused as refused:
            raise _refused(refused) from refused

    async def _check_person(self, request: Request, flow: ConnectFlow, session: BrowserSession) -> None:
        try:
            await self._flows.check_person(flow, session)
        except FlowRefused as refused:
            # Somebody with two accounts here may be signed in with the other one.
            switch = ("Sign in as somebody else", sign_in_url(flow.tenant_id, request.scope["path"]))
            raise _refused(refused, switch) from refused


def _field(part: KeyPart) -> str:
    return f"key:{part.scheme}"


def _has_key(form: Parameters) -> bool:
    return any(name == "secret" or name.startswith("key:") for name, _value in form.pairs())


def _together(parts: Sequence[KeyPart], form: Parameters) -> str:
    """Return all keys of one account as its secret. Raises ConnectionRefused where one is missing."""
    given = {part.scheme: (form.get(_field(part)) or "").strip() for part in parts}
    if missing := missing_of(parts, given):
        named = ", ".join(f"{part.title} ({part.place} {part.name})" for part in missing)
        raise ConnectionRefused(f"all {len(parts)} keys make one account, and there is no {named}; fill in every field")
    return secret_of(parts, given)


def _purpose(flow_hash: str) -> str:
    return f"connect\n{flow_hash}"


def _once(request: Request) -> dict[str, str]:
    """Return the answer's parameters; one that is sent twice counts as none (RFC 6749 §3.1)."""
    given = request.query_params
    return {name: value for name, value in given.items() if len(given.getlist(name)) == 1}


def _refused(refused: FlowRefused | ConnectionRefused, action: tuple[str, str] | None = None) -> PageRefused:
    if isinstance(refused, ConnectionRefused):
        return PageRefused(409, "The account was not connected", f"{str(refused).capitalize()}.")
    titles = {404: "This link is no longer good", 403: "Nothing was connected", 502: "The provider did not complete this"}
    return PageRefused(refused.status, titles.get(refused.status, "The account was not connected"), refused.message, action)
