"""One session with one upstream MCP server, of either protocol era, on behalf of one subject."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import anyio
import httpx2
import mcp_types
from mcp.client.client import Client
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from oauth.connections.credentials import Credential
from tools.egress import Egress
from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.providers.mcp_definitions import UpstreamTool
from tools.providers.mcp_listing import list_tools
from tools.providers.mcp_tolerance import tolerant
from tools.providers.mcp_transport import CappedTransport, CredentialAuth, Rejected, TooLarge

CLIENT_INFO = mcp_types.Implementation(name="ascend-gateway", version="1")
#: definitions are listed again after this long even when the upstream announced no change
RELIST_S = 300.0
#: and not more often than this, however often it announces one
MIN_RELIST_S = 0.5
LIST_TIMEOUT_S = 30.0
FIRST_RELISTEN_S, LAST_RELISTEN_S = 1.0, 60.0
TOO_LARGE_EVENT = "Server-sent event exceeded"
#: how the SDK begins to say that an answer was not MCP's
NOT_MCP = ("Unexpected content type", "Failed to parse")
#: and that it was an HTTP error without a JSON-RPC message
HTTP_ERROR = "Server returned an error response"
_log = logging.getLogger(__name__)
# The SDK logs what upstreams send, with stack traces; here every failure reaches its caller, and contents belong in no log.
logging.getLogger("mcp.client").setLevel(logging.CRITICAL)

#: told after every listing of the upstream's tools; must not raise
Listed = Callable[["McpSession"], None]


class McpSession:
    """Runs `live` in a task of its own; everybody else waits for `ready` and then uses `client`."""

    def __init__(
        self,
        egress: Egress,
        url: str,
        provider: str,
        credential: Credential | None,
        rejected: Rejected | None,
        listed: Listed | None = None,
        relist_s: float = RELIST_S,
    ) -> None:
        self.url, self.provider = url, provider
        self.definitions: Mapping[str, UpstreamTool] = {}
        self.server_name, self.protocol_version = "", ""
        self._auth = CredentialAuth(credential, rejected)
        self._transport = CappedTransport(egress)
        self._listed, self._relist_s = listed, relist_s
        self._client: Client | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = anyio.Event()
        self._changed, self._renewed = anyio.Event(), anyio.Event()
        self._listings, self._is_listing = 0, False
        self.is_open = False
        self.ended = anyio.Event()
        self._cause: BaseException | None = None

    @property
    def client(self) -> Client:
        """The SDK's client. Raises UpstreamFailed where the session has ended meanwhile."""
        if self._client is None:
            raise UpstreamFailed(self._failure(self._cause or httpx2.ReadError("it broke off the connection")))
        return self._client

    def renew(self, credential: Credential) -> None:
        """Use `credential`, which was refreshed meanwhile, from the next request on."""
        self._auth.credential = credential

    def freshen(self) -> None:
        """List the tools again soon: what was accepted has changed, so an old listing says nothing."""
        self._changed.set()

    async def relisted(self) -> None:
        """Wait for a listing that begins from now on, at most `MIN_RELIST_S` and the time that it takes. Returns when the session ends."""
        wanted = self._listings + (2 if self._is_listing else 1)
        self._changed.set()
        while self._listings < wanted and not self.ended.is_set():
            await self._renewed.wait()

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
            self._renewed.set()
            if not self._opened.done():
                self._fail(None)

    async def _live(self) -> None:
        timeout = httpx2.Timeout(30.0, read=300.0)
        async with httpx2.AsyncClient(transport=self._transport, auth=self._auth, timeout=timeout) as http:
            transport = tolerant(streamable_http_client(self.url, http_client=http), self._version)
            async with Client(transport, mode="auto", client_info=CLIENT_INFO, message_handler=self._heard, cache=None) as client:
                # The SDK validates results with patterns of the upstream's choosing, on this thread; `result_fits` does it in bounded time.
                client.session.validate_tool_result = _unvalidated  # type: ignore[method-assign]  # it has no switch
                self._client = client
                self.protocol_version = client.protocol_version
                self.server_name = (client.server_info.name if client.server_info else "")[:200]
                await self._list()
                self.is_open = True
                if not self._opened.done():
                    self._opened.set_result(None)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._listen, client)
                    tasks.start_soon(self._refresh)
                    await self._closing.wait()
                    tasks.cancel_scope.cancel()

    def _version(self) -> str:
        return self._client.protocol_version if self._client is not None else mcp_types.LATEST_PROTOCOL_VERSION

    async def _list(self) -> None:
        self._is_listing = True
        try:
            with anyio.fail_after(LIST_TIMEOUT_S):
                self.definitions = await list_tools(self.client, self.provider)
        finally:
            # Also where it failed: who waits for it must not wait for the next one.
            self._is_listing, self._listings = False, self._listings + 1
            self._renewed.set()
            self._renewed = anyio.Event()
        if self._listed is not None:
            self._listed(self)

    async def _refresh(self) -> None:
        """List the tools again whenever a change is announced, and now and then without."""
        while True:
            with anyio.move_on_after(self._relist_s):
                await self._changed.wait()
            self._changed = anyio.Event()
            try:
                await self._list()
            except (MCPError, ValidationError, UpstreamFailed, TimeoutError) as error:
                _log.warning("upstream_tools_not_listed provider=%s error=%s", self.provider, type(error).__name__)
            await anyio.sleep(MIN_RELIST_S)

    async def _listen(self, client: Client) -> None:
        """Subscribe to announcements where the era has subscriptions, and again when a stream ends; in the older era they come unasked."""
        wait_s = FIRST_RELISTEN_S
        while True:
            try:
                async with client.listen(tools_list_changed=True) as events:
                    # What changed between the listing and this subscription was announced to nobody.
                    self._changed.set()
                    async for _event in events:
                        self._changed.set()
                        wait_s = FIRST_RELISTEN_S
            except (ListenNotSupportedError, MCPError):
                return
            except (SubscriptionLost, TimeoutError):
                _log.info("upstream_subscription_lost provider=%s", self.provider)
            await anyio.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_RELISTEN_S)

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._changed.set()

    async def why_closed(self) -> Failure:
        """Return why the connection broke, for a call that was under way; called after it did."""
        with anyio.move_on_after(1):
            await self.ended.wait()
        return self._failure(self._cause or httpx2.ReadError("it broke off the connection"))

    def _failure(self, error: BaseException | None) -> Failure:
        if self._transport.was_exceeded:
            error = TooLarge("its answer is too large")
        return failure_of(self.provider, error, was_refused=self.was_refused)

    def _fail(self, error: BaseException | None) -> None:
        self._cause = error
        if self._opened.done():
            _log.info("upstream_session_ended provider=%s error=%s", self.provider, type(innermost(error)).__name__)
            return
        self._opened.set_exception(UpstreamFailed(self._failure(error)))
        # Whoever opened the session may have gone; an exception that nobody fetches is not an alarm.
        self._opened.exception()

    @property
    def was_refused(self) -> bool:
        """Say whether the last answer refused the credential."""
        return self._auth.was_refused

    @property
    def failed(self) -> tuple[int, float | None] | None:
        """The status of the last answer that was an HTTP error, and its Retry-After in seconds."""
        return self._auth.failed

    @property
    def was_exceeded(self) -> bool:
        """Say whether the upstream has sent more than we hold at once."""
        return self._transport.was_exceeded


async def _unvalidated(name: str, result: mcp_types.CallToolResult) -> None:
    """Look at nothing."""


def failure_of(provider: str, error: BaseException | None, *, was_refused: bool) -> Failure:
    """Return why a server could not be talked to, in one sentence."""
    cause = innermost(error)
    if was_refused:
        hint = f"connect an account of {provider} that may use this server"
        return Failure("upstream_unauthorized", f"the MCP server of '{provider}' refuses the credential", hint=hint)
    if isinstance(cause, UpstreamFailed):
        return cause.failure
    if isinstance(cause, TooLarge) or (isinstance(cause, MCPError) and TOO_LARGE_EVENT in cause.message):
        hint = "ask for less: a filter, a page, a smaller range"
        return Failure("upstream_too_large", f"the MCP server of '{provider}' sent more than this gateway holds at once", hint=hint)
    if isinstance(cause, TimeoutError | httpx2.TimeoutException):
        return Failure("upstream_timeout", f"the MCP server of '{provider}' did not answer in time", retryable=True)
    if isinstance(cause, httpx2.TransportError):
        return Failure("upstream_unreachable", f"the MCP server of '{provider}' could not be reached: {cause}", retryable=True)
    if isinstance(cause, MCPError) and not cause.message.startswith(NOT_MCP):
        return Failure("upstream_error", f"the MCP server of '{provider}' answered: {first_line(cause.message)} ({cause.code})")
    where = f" ({_place(cause)})" if isinstance(cause, ValidationError) else ""
    return Failure("upstream_malformed", f"the MCP server of '{provider}' does not speak MCP as we know it{where}")


def _place(error: ValidationError) -> str:
    """Return where a message breaks the protocol, in the protocol's words: `tools.3.inputSchema`; nothing of the upstream's."""
    steps = error.errors(include_url=False, include_input=False)[0]["loc"][:3]
    return ".".join(str(step) for step in steps if isinstance(step, int) or step in _PLACES) or error.title


_PLACES = frozenset(
    {"tools", "name", "inputSchema", "outputSchema", "annotations", "content", "structuredContent", "nextCursor", "description"}
)


def first_line(text: str) -> str:
    return text.partition("\n")[0][:300]


def innermost(error: BaseException | None) -> BaseException | None:
    """Return the one exception inside groups of one."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error
