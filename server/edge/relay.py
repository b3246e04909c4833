"""Answers a request that may pass: from what is kept, or from a backend, piece by piece; and keeps what may be kept."""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.types import Message

from server.edge.backends.forwarding import Answer, BrokenOff, CallerGone, Forwarder, Outgoing, too_large
from server.edge.caching.response_cache import MAX_BODY_BYTES, ResponseCache
from server.edge.caching.rules import Kept, Key, kept_of, key_of
from server.edge.incoming import Incoming
from server.edge.open_sockets import OpenSockets
from server.edge.refusals import EdgeRefused
from server.edge.request_headers import head_lines, passed_on, via
from server.edge.response_headers import passed_back
from server.edge.route import Route
from server.edge.web_socket import handshake, pass_bytes
from server.request_scope import Headers
from tools.egress.relay_answer import Fields

#: RFC 9110 §8.6, RFC 9112 §6.3: no body, and no length of one
_BODILESS: Final = frozenset({204, 304})
#: RFC 9110 §9.2.1
_SAFE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
_CONDITIONAL: Final = frozenset({b"if-none-match", b"if-modified-since"})
_HIT: Final = (b"x-cache", b"HIT")
_MISS: Final = (b"x-cache", b"MISS")
#: asked for anew beside requests, at one time
MAX_RENEWING: Final = 50

log = logging.getLogger("ascend.edge")


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """How callers reach the gateway: what a backend is told in X-Forwarded-Proto and X-Forwarded-Host, whatever Host a caller wrote."""

    lines: bytes
    origin: bytes

    @classmethod
    def of(cls, base_url: str) -> "PublicAddress":
        scheme, _, host = base_url.partition("://")
        return cls(head_lines([(b"x-forwarded-proto", scheme.encode()), (b"x-forwarded-host", host.encode())]), base_url.encode())


@dataclass(frozen=True, slots=True)
class Relay:
    forwarder: Forwarder
    address: PublicAddress
    cache: ResponseCache
    sockets: OpenSockets = field(default_factory=OpenSockets)
    #: renewals that are under way; the loop itself holds tasks weakly
    _renewals: set[asyncio.Task[None]] = field(default_factory=set)

    async def answer(self, route: Route, request: Incoming, path: bytes) -> int:
        """Answer, and return the status. Raises EdgeRefused, CallerGone, BrokenOff."""
        key = key_of(route, request, path)
        if key is not None and (found := self.cache.find(key, request.headers)) is not None:
            kept, age_s, is_fresh = found
            if not is_fresh:
                self._renew(route, key, request, path)
            return await _give(request, kept, age_s)
        if route.in_flight >= route.config.max_in_flight:
            raise EdgeRefused(503, "busy", "too many requests to this route are under way; try again", {"retry-after": "1"})
        asked_at = time.monotonic()
        route.under_way.count += 1
        try:
            answer = await self.forwarder.send(route, self._outgoing(route, request, path))
            try:
                await self._pass_back(route, request, answer, key, asked_at)
            finally:
                self.forwarder.close(answer)
        finally:
            route.under_way.count -= 1
        if route.config.cache is not None and request.method not in _SAFE and answer.head.status < 400:
            self.cache.forget(route.label, path, request.scope["query_string"])
        return answer.head.status

    def _outgoing(self, route: Route, request: Incoming, path: bytes) -> Outgoing:
        length, is_chunked = request.value_of(b"content-length"), bool(request.value_of(b"transfer-encoding"))
        # server/http/heads.py has judged it: digits, and never beside chunks.
        if length and int(length) > route.config.max_body_bytes:
            raise too_large(route.config.max_body_bytes)
        body = None if request.exchange is None else request.exchange.take_body()
        if body is not None:
            framing = b"content-length: %d\r\n" % len(body) if body or length or is_chunked else b""
        else:
            framing = b"transfer-encoding: chunked\r\n" if is_chunked or not length else b"content-length: %b\r\n" % length
        if body is not None and len(body) > route.config.max_body_bytes:
            raise too_large(route.config.max_body_bytes)
        client = request.client.encode()
        socket = handshake(route, request, self.address.origin)
        ours = [
            (b"traceparent", request.traceparent),
            (b"via", via(request.headers)),
            (b"x-forwarded-for", client),
            (b"x-real-ip", client),
            *request.user,
            *(socket or ()),
        ]
        return Outgoing(
            request.method,
            path,
            request.scope["query_string"],
            head_lines([*passed_on(request.headers), *ours]) + self.address.lines,
            framing,
            body or b"",
            is_whole=body is not None,
            receive=request.receive,
            max_body_bytes=route.config.max_body_bytes,
            asks_upgrade=socket is not None,
        )

    async def _pass_back(self, route: Route, request: Incoming, answer: Answer, key: Key | None, asked_at: float) -> None:
        status, connection = answer.head.status, answer.connection
        fields = _passed_back(route, request, answer)
        if status == 101:
            await pass_bytes(route, request, answer, fields, self.sockets)
            return
        to_keep = kept_of(route, request.headers, asked_at, answer.head, fields) if key is not None else None
        fields = [*fields, *request.added, *([_MISS] if key is not None else ())]
        if connection.is_whole and status not in _BODILESS and request.method != b"HEAD":
            body = connection.take()
            if key is not None and to_keep is not None and len(body) <= MAX_BODY_BYTES:
                self.cache.keep(key, to_keep, body)
            await request.answer(status, _without_length(fields), body)
            return
        await request.start(status, _without_length(fields) if status in _BODILESS else fields)
        collected = bytearray()
        try:
            while piece := await connection.read():
                if to_keep is not None:
                    collected += piece
                    to_keep = to_keep if len(collected) <= MAX_BODY_BYTES else None
                await request.send({"type": "http.response.body", "body": piece, "more_body": True})
        except CallerGone:
            raise
        except Exception as error:
            # The head is out: only the end of the connection tells that the body is not whole.
            request.break_off()
            raise BrokenOff(answer.backend, error) from error
        if key is not None and to_keep is not None:
            self.cache.keep(key, to_keep, bytes(collected))
        await request.send({"type": "http.response.body", "body": b""})

    def _renew(self, route: Route, key: Key, request: Incoming, path: bytes) -> None:
        """Ask for a newer answer beside the request that gets the old one; once for all who do (RFC 5861 §3)."""
        renewing = self.cache.renewing
        if key in renewing or len(renewing) >= MAX_RENEWING:
            return
        # Whole, whatever this caller has already; and nobody waits, so nobody can leave.
        asked = replace(request, headers=[field for field in request.headers if field[0] not in _CONDITIONAL], receive=_never)
        outgoing = self._outgoing(route, asked, path)
        # Not before: what is refused here is asked for by nobody.
        renewing.add(key)
        task = asyncio.create_task(self._renewed(route, key, request, outgoing))
        task.add_done_callback(lambda _task: renewing.discard(key))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _renewed(self, route: Route, key: Key, request: Incoming, outgoing: Outgoing) -> None:
        asked_at = time.monotonic()
        try:
            answer = await self.forwarder.send(route, outgoing)
            try:
                kept = kept_of(route, request.headers, asked_at, answer.head, _passed_back(route, request, answer))
                body = bytearray()
                while kept is not None and len(body) <= MAX_BODY_BYTES and (piece := await answer.connection.read()):
                    body += piece
                if kept is not None and len(body) <= MAX_BODY_BYTES:
                    self.cache.keep(key, kept, bytes(body))
            finally:
                self.forwarder.close(answer)
        except Exception as error:
            log.warning("edge_renewal_failed", extra={"facts": {"route": route.label, "kind": type(error).__name__}})


async def _give(request: Incoming, kept: Kept, age_s: float) -> int:
    # RFC 9111 §5.1: an answer that was kept says for how long.
    fields = [*kept.fields, (b"age", b"%d" % age_s), *request.added, _HIT]
    if kept.is_same_as_known(request.headers):
        await request.start(304, fields)
        await request.send({"type": "http.response.body", "body": b""})
        return 304
    await request.answer(200, fields, kept.body)
    return 200


def _passed_back(route: Route, request: Incoming, answer: Answer) -> Fields:
    return passed_back(
        answer.head.fields,
        is_sandboxed=route.config.pages == "sandboxed",
        has_cors=route.cors is not None,
        has_limits=request.is_limited,
    )


def _without_length(fields: Headers) -> Headers:
    return [field for field in fields if field[0] != b"content-length"]


async def _never() -> Message:
    forever: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await forever
