"""One session with one upstream MCP server, of either protocol era, on behalf of one subject."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

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
from tools.egress.client import Egress
from tools.errors import UpstreamFailed
from tools.operation import Failure
from tools.sources.credential_redaction import Redaction
from tools.sources.mcp.definitions import UpstreamTool
from tools.sources.mcp.failures import MessageTooLarge, failure_of, innermost
from tools.sources.mcp.listing import list_tools
from tools.sources.mcp.repair import tolerant
from tools.sources.mcp.transport import CappedTransport, CredentialAuth, Rejected

CLIENT_INFO = mcp_types.Implementation(name="ascend-gateway", version="1")
#: definitions are listed again after this long even when the upstream announced no change
RELIST_S = 300.0
#: and not more often than this, however often it announces one
MIN_RELIST_S = 0.5
LIST_TIMEOUT_S = 30.0
FIRST_RELISTEN_S, LAST_RELISTEN_S = 1.0, 60.0
#: longer than the longest call: a stream may be silent meanwhile
MIN_SILENCE_S = 300.0
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
        silence_s: float = MIN_SILENCE_S,
    ) -> None:
        self.url, self.provider = url, provider
        self.definitions: Mapping[str, UpstreamTool] = {}
        self.server_name, self.protocol_version = "", ""
        self._auth = CredentialAuth(credential, rejected)
        self._transport = CappedTransport(egress, self._auth)
        self._listed, self._relist_s, self._silence_s = listed, relist_s, silence_s
        self._client: Client | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = anyio.Event()
        self._changed, self._renewed = anyio.Event(), anyio.Event()
        self._listings, self._is_listing = 0, False
        self.is_open, self._is_retired, self._users = False, False, 0
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
        self._auth.renew(credential)

    def redaction(self) -> Redaction:
        """Return what takes the account's secrets out of what was encoded when it came."""
        return self._auth.redaction()

    def freshen(self) -> None:
        """List the tools again soon: what was accepted has changed, so an old listing says nothing."""
        self._changed.set()

    async def relisted(self) -> None:
        """Wait for a listing that begins from now on, at most `MIN_RELIST_S` and the time that it takes. Returns when the session ends."""
        wanted = self._listings + (2 if self._is_listing else 1)
        self._changed.set()
        while self._listings < wanted and not self.ended.is_set():
            await self._renewed.wait()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the session for a call, also where it is retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._is_retired and not self._users:
                self.close()

    @property
    def is_used(self) -> bool:
        """Say whether a call is under way."""
        return self._users > 0

    def retire(self) -> None:
        """Take no more calls; the session ends with the last of those that are under way."""
        self.is_open, self._is_retired = False, True
        if not self._users:
            self.close()

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
        timeout = httpx2.Timeout(30.0, read=max(MIN_SILENCE_S, self._silence_s))
        async with httpx2.AsyncClient(transport=self._transport, auth=self._auth, timeout=timeout) as http:
            transport = tolerant(streamable_http_client(self.url, http_client=http, max_sse_event_size=None), self._version)
            async with Client(transport, mode="auto", client_info=CLIENT_INFO, message_handler=self._heard, cache=None) as client:
                # The SDK validates results with patterns of the upstream's choosing, on this thread; `result_fits` does it in bounded time.
                client.session.validate_tool_result = _unvalidated  # type: ignore[method-assign]  # it has no switch
                self._client = client
                self.protocol_version = client.protocol_version
                self.server_name = (client.server_info.name if client.server_info else "")[:200]
                await self._list()
                self.is_open = not self._is_retired
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
                self.definitions = await list_tools(self.client, self.provider, self._version())
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

    def _failure(self, error: BaseException | None) -> Failure:
        if self._transport.was_exceeded:
            error = MessageTooLarge("its answer is too large")
        failure = failure_of(self.provider, error, was_refused=self.was_refused)
        if failure.code == "upstream_error" and self._auth.failed is not None:
            failure = replace(failure, upstream={"status": self._auth.failed, "body": None})
        return failure

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


async def _unvalidated(name: str, result: mcp_types.CallToolResult) -> None:
    """Look at nothing."""
