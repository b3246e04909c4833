"""The way to an upstream MCP server: the guarded pool, with the credential of the moment, and no answer larger than we hold."""

import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import httpx2

from oauth.connections.credentials import Credential
from tools.egress import MAX_BODY_BYTES, Egress
from tools.egress_httpx import GuardedTransport
from tools.providers.sigv4 import sign

#: asked when the upstream answers 401: a newer credential, or None
Rejected = Callable[[Credential], Awaitable[Credential | None]]


class TooLarge(httpx2.ReadError):
    """The upstream sent more than we hold at once."""


class CredentialAuth(httpx2.Auth):
    """Puts the credential of the moment on each request, and after a 401 a newer one, once."""

    requires_request_body = True  # a signature covers it

    def __init__(self, credential: Credential | None, rejected: Rejected | None) -> None:
        self.credential, self._rejected = credential, rejected
        self.was_refused = False
        #: status of the last POST that failed by HTTP alone, and for how long its Retry-After asks us to wait
        self.failed: tuple[int, float | None] | None = None

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if self.credential is not None:
            prove(request, self.credential)
        response = yield request
        self.was_refused = response.status_code in (401, 403)
        if request.method == "POST" and response.status_code >= 400:
            wait = response.headers.get("retry-after", "")
            self.failed = response.status_code, float(wait) if wait.isascii() and wait.isdigit() else None
        if response.status_code == 401 and self.credential is not None and self._rejected is not None:
            newer = await self._rejected(self.credential)
            if newer is not None:
                self.credential = newer
                prove(request, newer)
                response = yield request
                self.was_refused = response.status_code in (401, 403)


class CappedTransport(httpx2.AsyncBaseTransport):
    """The guarded transport with a limit on each answer; of a stream of events, on each event, since the stream has no end."""

    def __init__(self, egress: Egress, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._inner, self._max_bytes = GuardedTransport(egress), max_bytes
        #: set once an answer went beyond the limit
        self.was_exceeded = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # A small answer that decodes to gigabytes would pass the limit, so nothing is taken that has to be decoded.
        request.headers["Accept-Encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("it answers in an encoding that was not asked for", request=request)
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream, self, is_stream, self._max_bytes, request)
        return response


class _Capped(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, transport: CappedTransport, is_stream: bool, max_bytes: int, request: httpx2.Request
    ) -> None:
        self._inner, self._transport, self._is_stream = inner, transport, is_stream
        self._max_bytes, self._request = max_bytes, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = 0
        async for chunk in self._inner:
            held += len(chunk)
            if self._is_stream and (end := max(chunk.rfind(b"\n\n"), chunk.rfind(b"\r\n\r\n"))) >= 0:
                held = len(chunk) - end
            if held > self._max_bytes:
                self._transport.was_exceeded = True
                raise TooLarge(f"its answer is larger than {self._max_bytes >> 20} MiB", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def prove(request: httpx2.Request, credential: Credential) -> None:
    """Put `credential` on `request`; AWS keys sign it and never travel."""
    if credential.kind != "sigv4":
        request.headers["Authorization"] = _authorization(credential)
        return
    for name, value in sign(credential, request.method, str(request.url), request.headers.multi_items(), request.content, time.time()):
        request.headers[name] = value


def _authorization(credential: Credential) -> str:
    if credential.kind == "basic":
        pair = f"{credential.username}:{credential.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return f"Bearer {credential.secret}"
