"""The one way out: every byte that leaves this process goes through here.

A host is checked before it is looked up, every address that the look-up gives is checked before any is connected to, and the
connection goes to just such an address. No proxy settings, no cookies, no retries (but for a pooled connection that the upstream
had closed meanwhile: another is opened for methods that are idempotent by RFC 9110 §9.2.2). Plain requests take our own
connections (docs/decisions/0014), all others aiohttp's; both are dialled by the same connector.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from io import BytesIO

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from oauth.errors import FetchRefused
from oauth.fetch import Fetched
from tools.egress.addresses import AddressRules, Target, refused
from tools.egress.body import failed, read_body, unreachable
from tools.egress.connector import AddressRefused, GuardedConnector, LookUp, look_up
from tools.egress.places import EgressPlaces
from tools.egress.pool import Http1Pool
from tools.egress.status import no_final_status
from tools.errors import EgressRefused, ToolError, UpstreamFailed
from tools.fair_semaphore import GATEWAY, Holder
from tools.operation import Failure
from tools.value_objects import value_object

MAX_TIMEOUT_S = 30.0
MAX_BODY_BYTES = 32 << 20
MAX_REDIRECTS = 5
#: Link and Content-Security-Policy headers of real upstreams are longer than aiohttp's default of 8 KiB.
_LARGE_BYTES = 256 * 1024
_MAX_FIELD_BYTES = 64 * 1024
#: What may follow a redirect to another origin; everything else could be a credential.
_SAFE_ELSEWHERE = frozenset({"accept", "accept-language", "user-agent"})
#: Connection-level headers are ours to say.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "accept-encoding", "upgrade", "te", "trailer", "expect"}
)
_BASE_HEADERS = {"User-Agent": "ascend-gateway", "Accept-Encoding": "gzip, deflate"}
#: `send` is bounded as a whole, which costs less than a timer for each wait.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNCHANGED = frozenset({307, 308})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BROKEN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@value_object
class OutboundRequest:
    """One HTTP request; `url` is percent-encoded already.

    `follow`: redirects of GET and HEAD are followed, each hop guarded; of other methods only 307 and 308 within the origin.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = MAX_TIMEOUT_S
    max_body_bytes: int = MAX_BODY_BYTES
    follow: bool = True
    #: for whom it goes out, and whose share of the connections it takes
    holder: Holder = GATEWAY


@value_object
class OutboundResponse:
    """The upstream's answer, whole and decoded; header names compare without case. `url` is where it came from in the end."""

    status: int
    headers: CIMultiDictProxy[str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str


class Egress:
    """All connections behind one guard. Open it with `async with`."""

    def __init__(
        self, allow: Sequence[str] = (), find: LookUp = look_up, *, is_lean: bool = True, places: EgressPlaces | None = None
    ) -> None:
        """`allow`: `host:port` entries that may be called although private, port may be `*`. `find` looks names up. `is_lean` False:
        everything goes through aiohttp. `places`: how many calls may be under way."""
        self.rules = AddressRules(allow)
        self._find = find
        self._is_lean = is_lean
        self.places = places or EgressPlaces()
        self._pool: Http1Pool | None = None
        #: for pools of other connections behind the same guard
        self.connector: GuardedConnector | None = None
        self._session: aiohttp.ClientSession | None = None
        self._now: Callable[[], float] = time.monotonic

    async def __aenter__(self) -> "Egress":
        self._now = asyncio.get_running_loop().time
        self.connector = connector = GuardedConnector(self.rules, self._find, self.places)
        self._pool = Http1Pool(connector, _BASE_HEADERS) if self._is_lean else None
        # auto_decompress is off because it would inflate a bomb before we can count.
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            trust_env=False,
            # A request without a body has no media type; aiohttp would name one.
            skip_auto_headers=("Content-Type",),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_BASE_HEADERS,
            max_line_size=_MAX_FIELD_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
        if self._session is not None:
            await self._session.close()
            self._session = self.connector = None

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """Send `request` and read its whole answer within its time and size limits.

        Raises EgressRefused where the address may not be called, Busy where no connection became free for its holder in time (then
        nothing was sent), UpstreamFailed for everything that goes wrong on the way.
        """
        timeout_s = min(request.timeout_s, MAX_TIMEOUT_S)
        deadline = self._now() + timeout_s
        target = self.rules.target(request.url)
        headers = own_headers(request.headers)
        try:
            response = await self.exchange(request, target, headers, request.body, deadline)
            if response.status in _REDIRECTS and request.follow:
                if request.method in ("GET", "HEAD"):
                    return await self._follow(request, target, headers, response, deadline)
                return await self._follow_unchanged(request, target, headers, response, deadline)
            return response
        except TimeoutError as error:
            what = f"gave no complete answer within {timeout_s:g} s"
            raise failed(target.url.raw_authority, "upstream_timeout", what, retryable=True) from error

    async def outbound(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        """Send one request for the `oauth` package (`oauth.fetch.Outbound`): no redirects, nothing cached. Raises FetchRefused."""
        request = OutboundRequest(method, url, tuple(headers.items()), body, timeout_s, max_bytes, follow=False)
        try:
            answer = await self.send(request)
        except ToolError as error:
            raise FetchRefused(error.failure.message) from error
        # Several fields of one name are one list (RFC 9110 §5.2): a server names Basic and Bearer in two WWW-Authenticate.
        fields = {name.lower(): ", ".join(answer.headers.getall(name)) for name in answer.headers}
        return Fetched(answer.status, fields, answer.body)

    async def open(
        self, method: str, target: Target, headers: CIMultiDict[str], body: bytes | None, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Send one request to a `target` of `rules` and return when its answer begins; who reads it closes it. No redirects.

        For this file and for transports that speak another library's language. Raises EgressRefused and UpstreamFailed.
        """
        if self._session is None:
            raise RuntimeError("egress is not open; enter it with `async with`")
        try:
            response = await self._session.request(
                method, target.url, headers=headers, data=_in_parts(body), allow_redirects=False, timeout=timeout
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise failure_of(error, target) from error
        if (failure := no_final_status(target.url.raw_authority, response.status)) is not None:
            response.close()
            raise failure
        return response

    async def _follow(
        self, request: OutboundRequest, target: Target, headers: CIMultiDict[str], response: OutboundResponse, deadline: float
    ) -> OutboundResponse:
        """Return what the redirect `response` leads to; it is the answer itself where it names no place."""
        body = request.body
        for _hop in range(MAX_REDIRECTS):
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                return response
            origin, target = target, self._redirected(target, location)
            # RFC 9110 §15.4: a redirect must not carry a credential to another origin; a short list of what may go is safer than one of
            # what may not.
            if target.origin != origin.origin:
                headers = CIMultiDict((name, value) for name, value in headers.items() if name.lower() in _SAFE_ELSEWHERE)
                body = None
            response = await self.exchange(request, target, headers, body, deadline)
        if response.status not in _REDIRECTS or not response.headers.get("Location"):
            return response
        raise failed(target.url.raw_authority, "upstream_malformed", f"redirects more than {MAX_REDIRECTS} times")

    async def _follow_unchanged(
        self, request: OutboundRequest, target: Target, headers: CIMultiDict[str], response: OutboundResponse, deadline: float
    ) -> OutboundResponse:
        """Return what a 307 or 308 within the same origin leads to, method and body kept (RFC 9110 §15.4.8, §15.4.9).

        Such an answer says that nothing was done yet. Any other redirect, one to another origin and one too many are the answer.
        """
        for _hop in range(MAX_REDIRECTS):
            location = response.headers.get("Location")
            if response.status not in _UNCHANGED or not location:
                return response
            try:
                onward = self._redirected(target, location)
            except (EgressRefused, UpstreamFailed):
                return response
            # RFC 9110 §15.4.8: the body was meant for this origin, and repeating a write elsewhere is nobody's wish.
            if onward.origin != target.origin:
                return response
            target = onward
            response = await self.exchange(request, target, headers, request.body, deadline)
        return response

    async def exchange(
        self, request: OutboundRequest, target: Target, headers: CIMultiDict[str], body: bytes | None, deadline: float
    ) -> OutboundResponse:
        """Send once and read the whole answer; for this file and streamed.py, which judged the target."""
        pool, places = self._pool, self.places
        # decision 0021: a free place is taken without suspension; only who finds none waits.
        if not places.take(target.origin, request.holder):
            await places.wait(target.origin, request.holder, deadline)
        try:
            # decision 0014: only what is plain; the other way is unchanged and takes everything.
            if pool is not None and pool.takes(request.method, body, target.origin):
                answer = await pool.send(request.method, target, headers, body, request.max_body_bytes, deadline, request.timeout_s)
                return OutboundResponse(answer.status, answer.headers, answer.body, target.text)
            async with asyncio.timeout_at(deadline):
                response = await self.open(request.method, target, headers, body, _NO_TIMEOUT)
                try:
                    content = await read_body(response, request.max_body_bytes)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    raise failure_of(error, target) from error
                finally:
                    # Closes the connection unless its answer was read to the end; then it is back in the pool already.
                    response.close()
                return OutboundResponse(response.status, response.headers, content, target.text)
        finally:
            places.release(target.origin, request.holder)

    def _redirected(self, origin: Target, location: str) -> Target:
        try:
            url = origin.url.join(URL(location))
        except ValueError as error:
            raise failed(origin.url.raw_authority, "upstream_malformed", "redirects to something that is no URL") from error
        # Every hop is judged as the first was, or a redirect is the way around the guard (SSRF).
        target = self.rules.target(str(url.with_fragment(None)))
        # RFC 9110 §15.4 leaves it open; keys in the path would then travel in the clear.
        if origin.url.scheme == "https" and target.url.scheme == "http":
            raise refused(str(target.url), "is a redirect from https to http")
        return target


def failure_of(error: Exception, target: Target) -> EgressRefused | UpstreamFailed:
    """Return what an aiohttp error means, in our words."""
    authority = target.url.raw_authority
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, AddressRefused):
            return refused(str(target.url), "leads to an address that is not public")
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return failed(
                authority, "upstream_unreachable", "has no address in the DNS, or its name server does not answer", retryable=True
            )
        if isinstance(error, (aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError)):
            return failed(authority, "upstream_unreachable", "could not be reached by TLS: its certificate is not one that we trust")
        return unreachable(authority, error.os_error)
    if isinstance(error, TimeoutError):
        # aiohttp has an error of its own for the time before there is a connection.
        sent = not isinstance(error, aiohttp.ConnectionTimeoutError)
        return failed(authority, "upstream_timeout", "gave no complete answer in time", retryable=True, sent=sent)
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, OSError)):
        return failed(authority, "upstream_reset", "broke off the connection before its answer was complete", retryable=True)
    return failed(authority, "upstream_malformed", "answered with something that is not HTTP as we understand it")


def own_headers(headers: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    """Return the headers to send, without those that are the connection's. Raises EgressRefused for what would break a line."""
    sent: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        # RFC 9112 §11.2: a caller's Content-Length or Transfer-Encoding would frame our request twice; Host chooses another site.
        if name.lower() in _OURS:
            continue
        # RFC 9110 §5.1, §5.5: CR, LF and NUL end a field, and what follows would be a field or a request of the caller's.
        if _TOKEN.fullmatch(name) is None or (not value.isprintable() and _BROKEN_VALUE.search(value)):
            shown = name[:60] if name.isprintable() else "a header"
            raise EgressRefused(Failure("egress_refused", f"header '{shown}' has a character that HTTP does not allow; remove it"))
        sent.add(name, value)
    return sent


def _in_parts(body: bytes | None) -> bytes | BytesIO | None:
    """Return a body as it is sent: a large one part by part, so that others have their turn in between."""
    return BytesIO(body) if body is not None and len(body) > _LARGE_BYTES else body
