"""The one way out: every byte that leaves this process goes through here.

A host is checked before it is looked up, every address that the look-up gives is checked before any is connected to, and the
connection goes to just such an address. No proxy settings, no cookies, no retries.
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from oauth.fetch import Fetched, FetchRefused
from tools.egress_addresses import AddressRules, is_public, refused
from tools.errors import EgressRefused, UpstreamFailed
from tools.operation import Failure

MAX_TIMEOUT_S = 30.0
MAX_BODY_BYTES = 25 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECTIONS = 200
CONNECTIONS_PER_HOST = 64
_CHUNK_BYTES = 64 * 1024
#: What may follow a redirect to another origin; everything else could be a credential.
_SAFE_ELSEWHERE = frozenset({"accept", "accept-language", "user-agent"})
#: Connection-level headers are ours to say.
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade", "te", "trailer"})
_BASE_HEADERS = {"User-Agent": "ascend-gateway", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """One HTTP request; `url` is percent-encoded already. `follow`: redirects of GET and HEAD are followed, each hop guarded."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = MAX_TIMEOUT_S
    max_body_bytes: int = MAX_BODY_BYTES
    follow: bool = True


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """The upstream's answer, whole and decoded; header names compare without case. `url` is where it came from in the end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: str


class Egress:
    """One connection pool behind one guard. Open it with `async with`."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self.rules = AddressRules(allow)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Egress":
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(self.rules),
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            ttl_dns_cache=10,
            ssl=ssl.create_default_context(),
            # Happy eyeballs stays: it only ever sees addresses that the resolver let through.
        )
        # auto_decompress is off because it would inflate a bomb before we can count.
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), headers=_BASE_HEADERS
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """Send `request` and read its whole answer within its time and size limits.

        Raises EgressRefused where the address may not be called, UpstreamFailed for everything that goes wrong on the way.
        """
        timeout_s = min(request.timeout_s, MAX_TIMEOUT_S)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow(request)
        except TimeoutError as error:
            raise failed(request.url, "upstream_timeout", f"gave no complete answer within {timeout_s:g} s", retryable=True) from error

    async def fetch(self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "application/json") -> Fetched:
        """GET `url` once, for the `oauth` package (its `Fetch` Protocol): redirects are answers. Raises FetchRefused."""
        request = OutboundRequest("GET", url, (("Accept", accept),), None, timeout_s, max_bytes, follow=False)
        try:
            response = await self.send(request)
        except (EgressRefused, UpstreamFailed) as error:
            raise FetchRefused(error.failure.message) from error
        return Fetched(response.status, {name.lower(): value for name, value in response.headers.items()}, response.body)

    def open(
        self, method: str, url: str, headers: CIMultiDict[str], body: bytes | None, timeout_s: float
    ) -> aiohttp.client._RequestContextManager:
        """Start one guarded request whose answer is streamed; no redirects. For transports that speak another library's language."""
        if self._session is None:
            raise RuntimeError("egress is not open; enter it with `async with`")
        self.rules.target(url)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(timeout_s, MAX_TIMEOUT_S), sock_read=timeout_s)
        return self._session.request(method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False, timeout=timeout)

    async def _follow(self, request: OutboundRequest) -> OutboundResponse:
        url, headers = request.url, _own_headers(request.headers)
        for _hop in range(MAX_REDIRECTS + 1):
            response = await self._exchange(request, url, headers)
            location = response.headers.get("Location")
            if (
                not request.follow
                or response.status not in (301, 302, 303, 307, 308)
                or not location
                or request.method not in ("GET", "HEAD")
            ):
                return response
            target = urljoin(url, location)
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                headers = CIMultiDict((name, value) for name, value in headers.items() if name.lower() in _SAFE_ELSEWHERE)
            url = target
        raise failed(request.url, "upstream_malformed", f"redirects more than {MAX_REDIRECTS} times")

    async def _exchange(self, request: OutboundRequest, url: str, headers: CIMultiDict[str]) -> OutboundResponse:
        try:
            async with self.open(request.method, url, headers, request.body, request.timeout_s) as response:
                body = await _read(response, request.max_body_bytes, url)
                return OutboundResponse(response.status, response.headers, body, url)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressRefused):
                raise refused(url, "leads to an address that is not public") from error
            raise failed(url, "upstream_unreachable", "could not be reached", retryable=True) from error
        except (aiohttp.ServerTimeoutError, TimeoutError) as error:
            raise failed(url, "upstream_timeout", "gave no complete answer in time", retryable=True) from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            raise failed(url, "upstream_reset", "broke off the connection before its answer was complete", retryable=True) from error
        except (aiohttp.ClientError, zlib.error, ValueError) as error:
            raise failed(url, "upstream_malformed", "answered with something that is not HTTP as we understand it") from error


def failed(url: str, code: str, what: str, *, retryable: bool = False) -> UpstreamFailed:
    """Return the failure of a call to the host of `url`; its path and query stay out, they may hold secrets."""
    return UpstreamFailed(Failure(code, f"{urlsplit(url).netloc} {what}", retryable=retryable))


def _own_headers(headers: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers if name.lower() not in OURS)


async def _read(response: aiohttp.ClientResponse, max_body_bytes: int, url: str) -> bytes:
    """Read the body, inflating it, and stop as soon as either form is over the limit."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        if response.content_length is not None and response.content_length > max_body_bytes:
            raise _too_large(url, max_body_bytes)
        return await _read_plain(response, max_body_bytes, url)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise failed(url, "upstream_malformed", f"answered in the encoding {encoding[:40]!r}, which was not asked for")
    packed = await _read_plain(response, max_body_bytes, url)
    return _inflate(packed, encoding, max_body_bytes, url)


async def _read_plain(response: aiohttp.ClientResponse, max_body_bytes: int, url: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_body_bytes:
            raise _too_large(url, max_body_bytes)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflate(packed: bytes, encoding: str, max_body_bytes: int, url: str) -> bytes:
    if not packed:
        return b""
    # 47: gzip or zlib by its header; -15: the headerless form that some servers call deflate.
    raw = encoding == "deflate" and (packed[0] & 0x0F) != 8
    inflater = zlib.decompressobj(-15 if raw else 47)
    body = inflater.decompress(packed, max_body_bytes + 1)
    if len(body) > max_body_bytes:
        raise _too_large(url, max_body_bytes)
    if not inflater.eof:
        raise failed(url, "upstream_reset", "broke off its compressed answer", retryable=True)
    return body


def _too_large(url: str, max_body_bytes: int) -> UpstreamFailed:
    return failed(url, "upstream_too_large", f"answered with more than {max_body_bytes} bytes; ask for less, for example by a smaller page")


class _AddressRefused(OSError):
    """The look-up of a name gave an address that may not be called."""


class _GuardedResolver(AbstractResolver):
    """Looks names up and lets none pass that has even one address we may not call (DNS rebinding)."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not self._rules.is_allowed(host.lower(), port) and not all(is_public(ip_address(each["host"].split("%")[0])) for each in found):
            raise _AddressRefused(f"{host} leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()
