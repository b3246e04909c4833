"""One session with one upstream MCP server, of either protocol era, on behalf of one subject."""

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
import httpx2
import mcp_types
from mcp.client.client import Client
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError

from oauth.connections.credentials import Credential
from tools.egress import Egress
from tools.egress_httpx import GuardedTransport
from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.providers.mcp_definitions import ToolDefinition, definition_of

CLIENT_INFO = mcp_types.Implementation(name="ascend-gateway", version="1")
MAX_PAGES = 100
#: definitions are listed again after this long even when the upstream announced no change
RELIST_S = 300.0
#: how the SDK begins to say that an answer was not MCP's
NOT_MCP = ("Unexpected content type", "Failed to parse")
_log = logging.getLogger(__name__)
# The SDK logs what upstreams send, with stack traces; here every failure reaches its caller, and contents belong in no log.
logging.getLogger("mcp.client").setLevel(logging.CRITICAL)

#: asked when the upstream answers 401: a newer credential, or None
Rejected = Callable[[Credential], Awaitable[Credential | None]]


class _CredentialAuth(httpx2.Auth):
    """Puts the credential of the moment on each request, and after a 401 a newer one, once."""

    def __init__(self, credential: Credential | None, rejected: Rejected | None) -> None:
        self.credential, self._rejected = credential, rejected
        self.was_refused = False

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if self.credential is not None:
            request.headers["Authorization"] = _authorization(self.credential)
        response = yield request
        self.was_refused = response.status_code in (401, 403)
        if response.status_code == 401 and self.credential is not None and self._rejected is not None:
            newer = await self._rejected(self.credential)
            if newer is not None:
                self.credential = newer
                request.headers["Authorization"] = _authorization(newer)
                response = yield request
                self.was_refused = response.status_code in (401, 403)


class McpSession:
    """Runs `live` in a task of its own; everybody else waits for `ready` and then uses `client`."""

    def __init__(self, egress: Egress, url: str, provider: str, credential: Credential | None, rejected: Rejected | None) -> None:
        self.url, self.provider = url, provider
        self.definitions: Mapping[str, ToolDefinition] = {}
        self.server_name, self.protocol_version = "", ""
        self._auth = _CredentialAuth(credential, rejected)
        self._egress = egress
        self._client: Client | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = anyio.Event()
        self._changed = anyio.Event()
        self.is_open = False
        self.ended = anyio.Event()
        self._cause: BaseException | None = None

    @property
    def client(self) -> Client:
        assert self._client is not None, "the session is not ready"
        return self._client

    def renew(self, credential: Credential) -> None:
        """Use `credential`, which was refreshed meanwhile, from the next request on."""
        self._auth.credential = credential

    def close(self) -> None:
        """Let the session end; calls that are under way fail."""
        self.is_open = False
        self._closing.set()

    async def ready(self) -> None:
        """Wait until the server has introduced itself and listed its tools. Raises UpstreamFailed."""
        await asyncio.shield(self._opened)

    async def live(self) -> None:
        """Connect, keep the definitions fresh, and stay until closed or broken. Raises nothing: the pool must outlive it."""
        try:
            await self._live()
        except Exception as error:
            self._fail(error)
        finally:
            self.is_open = False
            self._client = None
            self.ended.set()
            if not self._opened.done():
                self._fail(None)

    async def _live(self) -> None:
        timeout = httpx2.Timeout(30.0, read=300.0)
        async with httpx2.AsyncClient(transport=GuardedTransport(self._egress), auth=self._auth, timeout=timeout) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode="auto", client_info=CLIENT_INFO, message_handler=self._heard, cache=None) as client:
                self._client = client
                self.protocol_version = client.protocol_version
                self.server_name = client.server_info.name if client.server_info else ""
                await self._list()
                self.is_open = True
                if not self._opened.done():
                    self._opened.set_result(None)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._listen, client)
                    tasks.start_soon(self._refresh)
                    await self._closing.wait()
                    tasks.cancel_scope.cancel()

    async def _list(self) -> None:
        found: dict[str, ToolDefinition] = {}
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self.client.list_tools(cursor=cursor)
            found |= {tool.name: definition_of(tool) for tool in page.tools}
            cursor = page.next_cursor
            if cursor is None:
                break
        self.definitions = found

    async def _refresh(self) -> None:
        """List the tools again whenever a change is announced, and now and then without."""
        while True:
            with anyio.move_on_after(RELIST_S):
                await self._changed.wait()
            self._changed = anyio.Event()
            try:
                await self._list()
            except MCPError as error:
                _log.warning("upstream_tools_not_listed provider=%s code=%s", self.provider, error.code)

    async def _listen(self, client: Client) -> None:
        """Subscribe to announcements where the era has subscriptions; in the older one they come unasked."""
        with suppress(ListenNotSupportedError, MCPError, SubscriptionLost, TimeoutError):
            async with client.listen(tools_list_changed=True) as events:
                # What changed between the listing and this subscription was announced to nobody.
                self._changed.set()
                async for _event in events:
                    self._changed.set()

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._changed.set()

    async def why_closed(self) -> Failure:
        """Return why the connection broke, for a call that was under way; called after it did."""
        with anyio.move_on_after(1):
            await self.ended.wait()
        return failure_of(self.provider, self._cause or httpx2.ReadError("it broke off the connection"), was_refused=self.was_refused)

    def _fail(self, error: BaseException | None) -> None:
        self._cause = error
        if self._opened.done():
            _log.info("upstream_session_ended provider=%s error=%s", self.provider, type(innermost(error)).__name__)
            return
        self._opened.set_exception(UpstreamFailed(failure_of(self.provider, error, was_refused=self._auth.was_refused)))
        # Whoever opened the session may have gone; an exception that nobody fetches is not an alarm.
        self._opened.exception()

    @property
    def was_refused(self) -> bool:
        """Say whether the last answer refused the credential."""
        return self._auth.was_refused


def failure_of(provider: str, error: BaseException | None, *, was_refused: bool) -> Failure:
    """Return why a server could not be talked to, in one sentence."""
    cause = innermost(error)
    if was_refused:
        hint = f"connect an account of {provider} that may use this server"
        return Failure("upstream_unauthorized", f"the MCP server of '{provider}' refuses the credential", hint=hint)
    if isinstance(cause, TimeoutError | httpx2.TimeoutException):
        return Failure("upstream_timeout", f"the MCP server of '{provider}' did not answer in time", retryable=True)
    if isinstance(cause, httpx2.TransportError):
        return Failure("upstream_unreachable", f"the MCP server of '{provider}' could not be reached: {cause}", retryable=True)
    if isinstance(cause, MCPError) and not cause.message.startswith(NOT_MCP):
        return Failure("upstream_error", f"the MCP server of '{provider}' answered: {first_line(cause.message)} ({cause.code})")
    return Failure("upstream_malformed", f"the MCP server of '{provider}' does not speak MCP as we know it")


def first_line(text: str) -> str:
    return text.partition("\n")[0][:300]


def innermost(error: BaseException | None) -> BaseException | None:
    """Return the one exception inside groups of one."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def _authorization(credential: Credential) -> str:
    if credential.kind == "basic":
        pair: Any = f"{credential.username}:{credential.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return f"Bearer {credential.secret}"
