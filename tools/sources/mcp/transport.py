"""The way to an upstream MCP server: the guarded pool, with the credential of the moment, and no answer larger than we hold."""

import base64
import time
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

import httpx2

from oauth.connections.credentials import Credential
from tools.egress.body import is_plain
from tools.egress.client import MAX_BODY_BYTES, Egress
from tools.egress.httpx_transport import GuardedTransport
from tools.egress.sigv4 import sign
from tools.sources.credential_redaction import Redaction
from tools.sources.mcp.exchange import EXCHANGE, MAX_LAST_BYTES, UpstreamExchange
from tools.sources.mcp.failures import MessageTooLarge, was_reached
from tools.sources.mcp.messages.large_messages import ASIDE, Aside, Unreadable, is_heavy_message, lighter
from tools.sources.mcp.messages.message_bytes import may_be_json, plain_json
from tools.sources.response_headers import is_number
from tools.turns import in_turns

#: asked when the upstream answers 401: a newer credential, or None
Rejected = Callable[[Credential], Awaitable[Credential | None]]


SESSION_HEADER = "mcp-session-id"
#: what is looked at of a stream at once: less than a heavy event has
SLICE_BYTES = 16 * 1024
_BLANKS = (b"\n\n", b"\r\n\r\n", b"\r\r")
#: the status of the answer that there was none: the SDK has to be told something
_NO_ANSWER = 599
#: a message about a call is not the call; the method stands before what a caller gave
_NOTIFICATION, _HEAD_BYTES = b'"method":"notifications/', 100


class CredentialAuth(httpx2.Auth):
    """Puts the credential of the moment on each request, and after a 401 a newer one, once."""

    requires_request_body = True  # a signature covers it

    def __init__(self, credential: Credential | None, rejected: Rejected | None) -> None:
        self.credential, self._rejected = credential, rejected
        self._before: Credential | None = None
        self.was_refused = False
        #: status of the last POST that was an HTTP error
        self.failed: int | None = None

    def renew(self, credential: Credential) -> None:
        """Use `credential` from the next request on."""
        if credential != self.credential:
            self._before, self.credential = self.credential, credential

    def redaction(self) -> Redaction:
        """Return what takes the secrets out of answers: those of now, and those of the requests that are under way."""
        return Redaction(each for each in (self.credential, self._before) if each is not None)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        if self.credential is not None:
            prove(request, self.credential)
        response = yield request
        self.was_refused = response.status_code in (401, 403)
        if request.method == "POST" and response.status_code >= 400:
            self.failed = response.status_code
        if response.status_code == 401 and self.credential is not None and self._rejected is not None:
            newer = await self._rejected(self.credential)
            if newer is not None:
                self.renew(newer)
                prove(request, newer)
                response = yield request
                self.was_refused = response.status_code in (401, 403)


class CappedTransport(httpx2.AsyncBaseTransport):
    """The guarded transport with a limit on each answer; of a stream of events, on each event, since the stream has no end.

    Everything that an upstream says comes through here first: the account's secrets are taken out of it, and what happened to a
    call is noted in its `UpstreamExchange`. A call that finds no answer ends alone; the session is other calls', too.
    """

    def __init__(self, egress: Egress, auth: CredentialAuth, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._inner, self._auth, self._max_bytes = GuardedTransport(egress), auth, max_bytes
        #: set once an answer outside of a call went beyond the limit
        self.was_exceeded = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # A small answer that decodes to gigabytes would pass the limit, so nothing is taken that has to be decoded.
        request.headers["Accept-Encoding"] = "identity"
        exchange = None if _NOTIFICATION in request.content[:_HEAD_BYTES] else EXCHANGE.get()
        if exchange is not None:
            # Until it is known that it was not: whoever waits no longer must not be told that nothing went out.
            exchange.sent, exchange.had_session = True, SESSION_HEADER in request.headers
        try:
            response = await self._inner.handle_async_request(request)
            if not is_plain(response.headers.get("content-encoding", "")):
                await response.aclose()
                raise httpx2.RemoteProtocolError("it answers in an encoding that was not asked for", request=request)
        except httpx2.TransportError as error:
            if exchange is None or request.method != "POST":
                raise
            exchange.fault, exchange.sent = error, was_reached(error)
            return httpx2.Response(_NO_ANSWER, request=request)
        if exchange is not None:
            exchange.status = response.status_code
            exchange.retry_after_s = _seconds(response.headers.get("retry-after", ""))
        response.headers.pop("content-encoding", None)
        redaction = self._auth.redaction()
        for name, value in response.headers.items():
            if name.lower() != SESSION_HEADER and (shown := redaction.text(value)) != value:
                response.headers[name] = shown
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        media_type = response.headers.get("content-type", "")
        is_stream = media_type.lower().startswith("text/event-stream")
        if is_stream:
            # Events are in UTF-8 (WHATWG HTML §9.2.5), whatever codec their server names.
            response.headers["content-type"] = "text/event-stream"
        elif exchange is not None and 200 <= response.status_code < 300 and may_be_json(media_type):
            response.headers["content-type"] = "application/json"
        response.stream = _Capped(
            response.stream,
            self,
            exchange,
            redaction,
            ASIDE.get(),
            media_type=None if is_stream else media_type,
            is_stream=is_stream,
            request=request,
        )
        if exchange is not None and not is_stream and response.status_code >= 400:
            # The SDK reads no refusal that is not JSON; its words are worth having.
            await response.aread()
        return response

    def exceeded(self, request: httpx2.Request) -> MessageTooLarge:
        """Return what an answer beyond the limit ends in."""
        return MessageTooLarge(f"its answer is larger than {self._max_bytes >> 20} MiB", request=request)

    @property
    def max_bytes(self) -> int:
        return self._max_bytes


class _Capped(httpx2.AsyncByteStream):
    """An answer whole, or a stream event by event, each without the account's secrets."""

    def __init__(
        self,
        inner: httpx2.AsyncByteStream,
        transport: CappedTransport,
        exchange: UpstreamExchange | None,
        redaction: Redaction,
        aside: Aside | None,
        *,
        media_type: str | None,
        is_stream: bool,
        request: httpx2.Request,
    ) -> None:
        self._inner, self._transport, self._exchange, self._redaction = inner, transport, exchange, redaction
        self._aside, self._is_stream, self._request, self._media_type = aside, is_stream, request, media_type

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            is_first = True
            async for whole in self._wholes():
                if seen := await self._seen(whole.removeprefix(BOM_UTF8) if is_first else whole):
                    yield seen
                is_first = False
        except httpx2.TransportError as error:
            if self._exchange is None or self._request.method != "POST":
                self._transport.was_exceeded = self._transport.was_exceeded or isinstance(error, MessageTooLarge)
                raise
            # Without its end the answer is none; whoever waits for it is told by the SDK, and reads the reason here.
            self._exchange.fault = error

    async def _wholes(self) -> AsyncIterator[bytes]:
        """Yield the events that have come to their end, short ones together; a body that is no stream as one."""
        held: list[bytes] = []
        size, tail = 0, b""
        async for received in self._inner:
            async for chunk in in_turns(_slices(received)):
                # A long event is yielded alone. The blank line that ends it may come in two pieces.
                find = _end_of_first if size > SLICE_BYTES else _end_of_last
                while self._is_stream and (end := find(tail + chunk) - len(tail)) > 0:
                    yield b"".join((*held, chunk[:end]))
                    held, size, tail, chunk, find = [], 0, b"", chunk[end:], _end_of_last
                held.append(chunk)
                size += len(chunk)
                tail = (tail + chunk)[-3:]
                if size > self._transport.max_bytes:
                    raise self._transport.exceeded(self._request)
        if size and not (self._is_stream and size > SLICE_BYTES):  # An event without its end is none.
            yield b"".join(held)

    async def _seen(self, whole: bytes) -> bytes:
        whole = await self._redaction.body_in_turns(whole)
        is_heavy = is_heavy_message(whole)
        if is_heavy:
            try:
                whole = await lighter(whole, self._aside, is_event=self._is_stream)
            except Unreadable as error:
                raise MessageTooLarge(str(error), request=self._request) from error
        else:
            whole = plain_json(whole, self._media_type)
        if self._exchange is not None:
            # Taken up again after a break, a stream is whole.
            self._exchange.fault = None
            self._exchange.is_lightened = is_heavy
            self._exchange.last = whole if len(whole) <= MAX_LAST_BYTES else b""
            self._exchange.is_redacted = self._exchange.is_redacted or self._redaction.is_used
        return whole

    async def aclose(self) -> None:
        await self._inner.aclose()


def _slices(chunk: bytes) -> Iterator[bytes]:
    for begin in range(0, len(chunk), SLICE_BYTES):
        yield chunk[begin : begin + SLICE_BYTES]


def _end_of_last(text: bytes) -> int:
    """Return where the last whole event ends, 0 where none does: after a blank line (WHATWG HTML §9.2.5)."""
    return max(found + len(blank) if (found := text.rfind(blank)) >= 0 else 0 for blank in _BLANKS)


def _end_of_first(text: bytes) -> int:
    """Return where the first whole event ends, 0 where none does."""
    return min((found + len(blank) for blank in _BLANKS if (found := text.find(blank)) >= 0), default=0)


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if is_number(retry_after) else None


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
