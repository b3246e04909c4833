"""Answers what comes to a route: judged, limited, sent on, relayed, recorded; in this order."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from server.edge.canonical_path import canonical
from server.edge.forwarding import Answer, BrokenOff, CallerGone, Forwarder, Outgoing, too_large
from server.edge.incoming import Incoming
from server.edge.outcomes import Outcomes
from server.edge.rate_windows import RateWindows
from server.edge.refusals import EdgeRefused
from server.edge.request_headers import head_lines, passed_on, via
from server.edge.response_headers import VERSION_FIELD, passed_back
from server.edge.route import Route
from server.edge.route_table import RouteTable
from server.edge.user_tokens import UserTokens

#: RFC 9110 §8.6, RFC 9112 §6.3: no body, and no length of one
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """How callers reach the gateway: what a backend is told in X-Forwarded-Proto and X-Forwarded-Host, whatever Host a caller wrote."""

    lines: bytes

    @classmethod
    def of(cls, base_url: str) -> "PublicAddress":
        scheme, _, host = base_url.partition("://")
        return cls(head_lines([(b"x-forwarded-proto", scheme.encode()), (b"x-forwarded-host", host.encode())]))


@dataclass(frozen=True, slots=True)
class EdgeEndpoint:
    """An ASGI application for requests of which `server/assembly/edge.py` says that a route may be meant."""

    table: Callable[[], RouteTable]
    forwarder: Forwarder
    tokens: UserTokens
    limits: RateWindows
    outcomes: Outcomes
    address: PublicAddress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request = Incoming.of(scope, receive, send)
        route = None
        status, code = 0, ""
        try:
            path = canonical(scope["raw_path"])
            found = self.table().find(path)
            if found is None:
                raise EdgeRefused(404, "not_found", "there is nothing at this address")
            route, rest = found
            status = await self._through(route, request, rest)
        except EdgeRefused as refusal:
            status, code = refusal.status, refusal.code
            await request.answer(status, [*refusal.fields(), VERSION_FIELD, *request.added], refusal.body(request.trace_id))
        except CallerGone:
            code = "caller_gone"
        except BrokenOff:
            status, code = 502, "broken_off"
        except Exception:
            status, code = 500, "internal_error"
            raise
        finally:
            self.outcomes.note(route, request, status, code, (time.perf_counter() - began) * 1_000)

    async def _through(self, route: Route, request: Incoming, path: bytes) -> int:
        if route.cors is not None:
            preflight = route.cors.preflight(request)
            if preflight is not None:
                await request.start(204, [*preflight, VERSION_FIELD])
                await request.send({"type": "http.response.body", "body": b""})
                return 204
            request.added = route.cors.fields(request.value_of(b"origin"))
        if route.methods and request.method not in route.methods:
            allow = ", ".join(sorted(method.decode() for method in route.methods))
            raise EdgeRefused(405, "method_not_allowed", f"this address takes {allow}", {"allow": allow})
        await self.tokens.identify(route.config, request)
        limits = self.limits.take(route, request)
        request.is_limited = bool(limits)
        request.added = [*request.added, *limits]
        if route.in_flight >= route.config.max_in_flight:
            raise EdgeRefused(503, "busy", "too many requests to this route are under way; try again", {"retry-after": "1"})
        route.in_flight += 1
        try:
            answer = await self.forwarder.send(route, self._outgoing(route, request, path))
            try:
                await self._relay(route, request, answer)
            finally:
                self.forwarder.close(answer)
            return answer.head.status
        finally:
            route.in_flight -= 1

    def _outgoing(self, route: Route, request: Incoming, path: bytes) -> Outgoing:
        fields = passed_on(request.headers)
        fields.append((b"via", via(request.headers)))
        fields.append((b"x-forwarded-for", request.client.encode()))
        fields.append((b"x-real-ip", request.client.encode()))
        fields += request.user
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
        return Outgoing(
            request.method,
            path,
            request.scope["query_string"],
            head_lines(fields) + self.address.lines,
            framing,
            body or b"",
            is_whole=body is not None,
            receive=request.receive,
            max_body_bytes=route.config.max_body_bytes,
        )

    async def _relay(self, route: Route, request: Incoming, answer: Answer) -> None:
        status, connection = answer.head.status, answer.connection
        fields = passed_back(
            answer.head.fields,
            is_sandboxed=route.config.pages == "sandboxed",
            has_cors=route.cors is not None,
            has_limits=request.is_limited,
        )
        fields += request.added
        if connection.is_whole and status not in _BODILESS and request.method != b"HEAD":
            await request.answer(status, [field for field in fields if field[0] != b"content-length"], connection.take())
            return
        await request.start(status, [field for field in fields if field[0] != b"content-length"] if status in _BODILESS else fields)
        try:
            while piece := await connection.read():
                await request.send({"type": "http.response.body", "body": piece, "more_body": True})
        except CallerGone:
            raise
        except Exception as error:
            # The head is out: only the end of the connection tells that the body is not whole.
            request.break_off()
            raise BrokenOff from error
        await request.send({"type": "http.response.body", "body": b""})
