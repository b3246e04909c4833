"""Sessions with upstream MCP servers: one for each upstream and subject, opened at first use, kept while used, replaced when broken."""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType

import anyio
import anyio.abc

from oauth.connections.credentials import Credential
from oauth.principal import Principal
from tools.egress.client import Egress
from tools.errors import UpstreamFailed
from tools.operation import Call, Failure
from tools.sources.mcp.session import MIN_SILENCE_S, RELIST_S, McpSession
from tools.sources.mcp.transport import Rejected

MAX_SESSIONS = 500
MAX_IDLE_S = 600.0
#: after so many failures to connect in a row an upstream is left alone for a while
FAILURES_TO_REST = 3
REST_S = 10.0
CLOSING_S = 2.0
MAX_HEALTHS = 2_000
#: no answer came at all
_UNANSWERED = frozenset({"upstream_unreachable", "upstream_timeout", "upstream_reset"})

#: (tenant, subject, account id, upstream)
Key = tuple[str, str, str, "Upstream"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A remote MCP server under the name of its provider. `owner`: the tenant that imported it, None where all share it."""

    provider: str
    url: str
    owner: str | None = None


#: told who listed which upstream's tools, whenever that happened; must not raise
Observer = Callable[[Principal, Upstream, McpSession], None]


@dataclass(slots=True)
class _ServerHealth:
    """How an upstream does. What it answered to one person's key says nothing of it to others, in whatever shape it says no."""

    failures: int = 0
    rests_until: float = 0.0


@dataclass(slots=True)
class _Slot:
    """The place of one session; whoever comes while it opens waits for the same one."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: McpSession | None = None
    used_at: float = 0.0

    @property
    def is_used(self) -> bool:
        """Whether somebody waits for it, or has a call under way in it."""
        return self.lock.locked() or (self.session is not None and self.session.is_used)


class McpSessions:
    """The pool. Each session lives in a task of its own, so that one upstream's end is no one else's; open it with `async with`."""

    def __init__(
        self, egress: Egress, clock: Callable[[], float] = time.monotonic, relist_s: float = RELIST_S, silence_s: float = MIN_SILENCE_S
    ) -> None:
        """`silence_s`: how long a stream may stay silent, at least."""
        self._egress, self._clock, self._relist_s, self._silence_s = egress, clock, relist_s, silence_s
        self._observers: list[Observer] = []
        self._slots: OrderedDict[Key, _Slot] = OrderedDict()
        #: (url, account id) -> how it does; account None: whether it answers at all, which is the same for everybody
        self._health: OrderedDict[tuple[str, str | None], _ServerHealth] = OrderedDict()
        self._tasks: anyio.abc.TaskGroup | None = None

    async def __aenter__(self) -> "McpSessions":
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._tasks is None:
            return
        sessions = [slot.session for slot in self._slots.values() if slot.session is not None]
        self._slots.clear()
        for session in sessions:
            session.close()
        # Time to end the sessions politely at their servers, all at once.
        with anyio.move_on_after(CLOSING_S, shield=True):
            for session in sessions:
                await session.ended.wait()
        tasks, self._tasks = self._tasks, None
        tasks.cancel_scope.cancel()
        # The group ends empty-handed: what was raised in the caller's block goes on as it is, not as a group of one.
        await tasks.__aexit__(None, None, None)

    def observe(self, observer: Observer) -> None:
        """Tell `observer` of every later listing."""
        self._observers.append(observer)

    async def get(
        self, principal: Principal, upstream: Upstream, credential: Credential | None, rejected: Rejected | None, timeout_s: float
    ) -> McpSession:
        """Return the live session of `principal` with `upstream`, opening it where there is none. Raises UpstreamFailed.

        `rejected` is asked for a newer credential when the upstream refuses this one.
        """
        account = credential.account_id if credential is not None else ""
        key = (principal.tenant_id, principal.subject, account, upstream)
        slot = self._slots.setdefault(key, _Slot())
        self._slots.move_to_end(key)
        async with slot.lock:
            slot.used_at = self._clock()
            if slot.session is not None and slot.session.is_open:
                if credential is not None:
                    slot.session.renew(credential)
                return slot.session
            self._check_health(upstream, account)

            def listed(session: McpSession) -> None:
                for observer in self._observers:
                    observer(principal, upstream, session)

            session = McpSession(
                self._egress, upstream.url, upstream.provider, credential, rejected, listed, self._relist_s, self._silence_s
            )
            slot.session = await self._open(session, upstream, account, timeout_s)
        self._trim()
        return slot.session

    @asynccontextmanager
    async def place(self, call: Call) -> AsyncIterator[None]:
        """Hold one of the places for calls to the origin of `call`, as every call out does. Raises EgressRefused and Busy."""
        origin, holder, places = self._egress.rules.target(call.operation.binding["url"]).origin, call.principal.person, self._egress.places
        if not places.take(origin, holder):
            await places.wait(origin, holder, call.deadline)
        try:
            yield
        finally:
            places.release(origin, holder)

    def forget(self, session: McpSession) -> None:
        """Let go of a session that an upstream no longer knows; the next call opens another, and those under way end in theirs."""
        session.retire()
        for key, slot in list(self._slots.items()):
            if slot.session is session:
                del self._slots[key]
                return

    async def _open(self, session: McpSession, upstream: Upstream, account: str, timeout_s: float) -> McpSession:
        assert self._tasks is not None, "McpSessions is not open; enter it with `async with`"
        self._tasks.start_soon(session.live)
        try:
            async with asyncio.timeout(timeout_s):
                await session.ready()
        except TimeoutError as error:
            session.close()
            self._note_failure(upstream.url, None)
            message = f"the MCP server of '{upstream.provider}' did not answer in time"
            raise UpstreamFailed(Failure("upstream_timeout", message, retryable=True, sent=False)) from error
        except UpstreamFailed as error:
            failure = error.failure
            if failure.code in _UNANSWERED:
                self._note_failure(upstream.url, None)
            elif failure.code == "upstream_malformed" or int((failure.upstream or {}).get("status") or 0) >= 500:
                self._note_failure(upstream.url, account)
            # Nothing of the call itself has gone out.
            raise UpstreamFailed(replace(failure, sent=False)) from error
        except BaseException:
            session.close()
            raise
        for whose in (None, account):
            self._health.pop((upstream.url, whose), None)
        return session

    def _check_health(self, upstream: Upstream, account: str) -> None:
        for whose in (None, account):
            health = self._health.get((upstream.url, whose))
            if health is not None and health.rests_until > self._clock():
                wait_s = round(health.rests_until - self._clock(), 1)
                message = f"the MCP server of '{upstream.provider}' could not be reached {health.failures} times in a row"
                raise UpstreamFailed(Failure("upstream_unreachable", message, retryable=True, retry_after_s=wait_s, sent=False))

    def _note_failure(self, url: str, whose: str | None) -> None:
        health = self._health.setdefault((url, whose), _ServerHealth())
        self._health.move_to_end((url, whose))
        if len(self._health) > MAX_HEALTHS:
            self._health.popitem(last=False)
        health.failures += 1
        if health.failures >= FAILURES_TO_REST:
            health.rests_until = self._clock() + REST_S

    def _trim(self) -> None:
        """Close what was not used for long; and beyond the limit the least used of the tenant, and in it of the person, that has most."""
        now = self._clock()
        for key, slot in list(self._slots.items()):
            if now - slot.used_at > MAX_IDLE_S and not slot.is_used:
                self._close(key)
        while len(self._slots) > MAX_SESSIONS and (surplus := self._surplus()) is not None:
            self._close(surplus)

    def _surplus(self) -> Key | None:
        """Return a session that makes room for another one, or None where those of whoever has most are all in use.

        Whoever opens many closes their own: nobody else's session goes for theirs.
        """
        [(tenant_id, _)] = Counter(tenant_id for tenant_id, *_ in self._slots).most_common(1)
        free = [key for key, slot in self._slots.items() if key[0] == tenant_id and not slot.is_used]
        by_person = Counter(subject for _, subject, *_ in free)
        return max(free, key=lambda key: by_person[key[1]], default=None)

    def _close(self, key: Key) -> None:
        slot = self._slots.pop(key)
        if slot.session is not None:
            slot.session.close()
