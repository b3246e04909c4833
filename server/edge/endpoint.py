"""Answers what comes to a route: judged, limited, sent on, relayed, recorded; in this order."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from server.edge.backends.forwarding import BrokenOff, CallerGone
from server.edge.canonical_path import canonical
from server.edge.incoming import Incoming
from server.edge.outcomes import Outcomes
from server.edge.rate_windows import RateWindows
from server.edge.refusals import EdgeRefused
from server.edge.relay import Relay
from server.edge.response_headers import VERSION_FIELD
from server.edge.route import Route
from server.edge.route_table import RouteTable
from server.edge.user_tokens import UserTokens


@dataclass(frozen=True, slots=True)
class EdgeEndpoint:
    """An ASGI application for requests of which `server/assembly/edge.py` says that a route may be meant."""

    table: Callable[[], RouteTable]
    relay: Relay
    tokens: UserTokens
    limits: RateWindows
    outcomes: Outcomes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request = Incoming.of(scope, receive, send)
        route = None
        status, code, cause = 0, "", ""
        try:
            path = canonical(scope["raw_path"])
            found = self.table().find(path)
            if found is None:
                raise EdgeRefused(404, "not_found", "there is nothing at this address")
            route, rest = found
            status = await self._through(route, request, rest)
        except EdgeRefused as refusal:
            status, code, cause = refusal.status, refusal.code, refusal.cause
            await request.answer(status, [*refusal.fields(), VERSION_FIELD, *request.added], refusal.body(request.trace_id))
        except CallerGone:
            code = "caller_gone"
        except BrokenOff as end:
            status, code, cause = 502, "broken_off", end.cause
        except Exception:
            status, code = 500, "internal_error"
            raise
        finally:
            self.outcomes.note(route, request, status, code, (time.perf_counter() - began) * 1_000, cause)

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
        limits = await self.limits.take(route, request)
        request.is_limited, request.is_admitted = bool(limits), True
        request.added = [*request.added, *limits]
        return await self.relay.answer(route, request, path)
