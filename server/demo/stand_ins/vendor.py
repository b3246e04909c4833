"""A vendor's API as a stand-in serves it: counted, faulty on demand, steered over `/stand-in`."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from server.demo.stand_ins.clock import StandInClock, text_of
from server.demo.stand_ins.faults import StandInFaults, UnknownFault, set_faults
from server.demo.stand_ins.traffic import Traffic

MAX_BODY_BYTES = 4 << 20
#: where tests and people steer it; no vendor has such a path
CONTROL = "/stand-in"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """An answer that is an error, in the vendor's words."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class Vendor(Protocol):
    """What one vendor's stand-in has of its own."""

    kind: str
    clock: StandInClock
    traffic: Traffic

    @property
    def faults(self) -> StandInFaults: ...

    def routes(self) -> Iterable[web.RouteDef]: ...
    def openapi(self, base_url: str) -> dict[str, Any]: ...
    def provider(self, base_url: str, auth: str) -> dict[str, Any]:
        """Return the definition for `ascend provider add`; `auth` "": the usual one of the vendor."""
        ...

    def refusal_of_rate(self, in_last_second: int) -> web.Response | None:
        """Return the answer where that is more than the vendor allows."""
        ...

    def too_many(self) -> web.Response: ...
    def unavailable(self) -> web.Response: ...
    def steer(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        """Do what `POST /stand-in/ACTION` asks beside clock and faults. Raises ValueError."""
        ...


@asynccontextmanager
async def serving_vendor(vendor: Vendor, listener: socket.socket) -> AsyncIterator[str]:
    """Serve at `listener` while entered; gives the base URL."""
    runner = web.AppRunner(application(vendor), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()


def application(vendor: Vendor) -> web.Application:
    """Return the vendor's API with its document, its provider definition and the control beside it."""

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(vendor.openapi(str(request.url.origin())))

    async def provider(request: web.Request) -> web.Response:
        return web.json_response(vendor.provider(str(request.url.origin()), request.query.get("auth", "")))

    async def told(_request: web.Request) -> web.Response:
        faults = {name: getattr(vendor.faults, name) for name in vendor.faults.__dataclass_fields__}
        return web.json_response({"kind": vendor.kind, "now": text_of(vendor.clock.now), **vendor.traffic.plain(), "faults": faults})

    async def steer(request: web.Request) -> web.Response:
        try:
            return web.json_response(_steered(vendor, request.match_info["action"], json.loads(await request.read() or b"{}")))
        except (ValueError, KeyError, TypeError, UnknownFault) as error:
            return web.json_response({"error": str(error)}, status=400)

    app = web.Application(middlewares=[_front(vendor)], client_max_size=MAX_BODY_BYTES)
    app.add_routes([web.get("/openapi.json", openapi), web.get("/provider.json", provider), web.get(CONTROL, told)])
    app.add_routes([web.post(CONTROL + "/{action}", steer), *vendor.routes()])
    return app


def _steered(vendor: Vendor, action: str, given: dict[str, Any]) -> dict[str, Any]:
    match action:
        case "clock" if "now" in given:
            vendor.clock.set(datetime.fromisoformat(given["now"]))
        case "clock":
            vendor.clock.advance(float(given["advance_s"]))
        case "faults":
            set_faults(vendor.faults, given)
        case _:
            return vendor.steer(action, given)
    return {"now": text_of(vendor.clock.now)}


def _front(vendor: Vendor) -> Any:
    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        if resource is None or resource.canonical.startswith((CONTROL, "/openapi.json", "/provider.json")):
            return await handler(request)
        recent = vendor.traffic.count(f"{request.method} {resource.canonical}", vendor.clock.seconds)
        response = await _answered(vendor, request, handler, recent)
        vendor.traffic.answers[response.status] += 1
        if _is_nth(vendor, vendor.faults.torn_every) and response.status == 200:
            vendor.traffic.torn += 1
            return await _torn(request, response)
        return response

    return front


async def _answered(vendor: Vendor, request: web.Request, handler: Handler, recent: int) -> web.Response:
    if (refusal := vendor.refusal_of_rate(recent)) is not None:
        return refusal
    if _is_nth(vendor, vendor.faults.limited_every):
        return vendor.too_many()
    if _is_nth(vendor, vendor.faults.unavailable_every):
        return vendor.unavailable()
    if _is_nth(vendor, vendor.faults.slow_every):
        await asyncio.sleep(vendor.faults.slow_s)
    try:
        response = await handler(request)
    except Refused as refused:
        return refused.response
    assert isinstance(response, web.Response)
    return response


def _is_nth(vendor: Vendor, every: int) -> bool:
    return every > 0 and vendor.traffic.total % every == 0


async def _torn(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Send half of an answer and end the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    torn = web.StreamResponse(status=response.status, headers={"content-type": response.content_type})
    torn.content_length = len(body)
    await torn.prepare(request)
    await torn.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return torn
