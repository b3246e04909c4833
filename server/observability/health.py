"""Liveness, readiness and metrics, for the machinery that runs the gateway."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.config.settings import Settings
from server.json_error import json_error
from server.networks import Networks, is_loopback, is_loopback_host
from server.observability.siblings import ALONE, Siblings
from server.observability.telemetry import METRICS_TYPE, Telemetry
from server.origins import parse_origin
from server.proxy_headers import caller_address, is_forwarded

logger = logging.getLogger(__name__)

CHECK_TIMEOUT_S = 2.0

#: returns None when the dependency can serve, else a few words on what is wrong (public: no addresses, no secrets)
Check = Callable[[], Awaitable[str | None]]


_NOT_FOR_EVERYBODY = (
    "/metrics answers this machine, the addresses in ASCEND_ADMIN_ALLOW, and whoever presents ASCEND_METRICS_TOKEN as a bearer token; "
    "docs/guides/operations.md says more"
)


class MetricsReaders:
    """Who may read `/metrics`: this machine itself, the operator's addresses, and a bearer of the operator's token."""

    def __init__(self, settings: Settings) -> None:
        self._networks = Networks(settings.observability.admin_allow)
        self._token = settings.observability.metrics_token.encode()

    def may(self, request: Request) -> bool:
        """Judge the caller, not a proxy before it; the token is compared in constant time."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            return True
        address = caller_address(request.scope)
        return address in self._networks or (is_loopback(address) and _is_for_this_machine(request))


class Health:
    """`/healthz` says that the process answers; `/readyz` asks each dependency; `/metrics` is for Prometheus."""

    def __init__(
        self,
        telemetry: Telemetry,
        checks: Mapping[str, Check],
        readers: MetricsReaders,
        optional: Mapping[str, Check] | None = None,
        siblings: Siblings = ALONE,
    ) -> None:
        """`optional`: what the gateway serves without; where one is away it is degraded, and ready all the same."""
        self._telemetry = telemetry
        self._checks, self._optional = checks, {**(optional or {}), **siblings.checks}
        self._siblings = siblings
        self._readers = readers

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/healthz", self._live), Route("/readyz", self._ready), Route("/metrics", self._metrics)]

    async def _live(self, request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        found: dict[str, str] = {}

        async def ask(name: str, check: Check) -> None:
            found[name] = await _ask(name, check) or "ok"

        async with anyio.create_task_group() as group:
            for name, check in (*self._checks.items(), *self._optional.items()):
                group.start_soon(ask, name, check)
        is_ready = all(found[name] == "ok" for name in self._checks)
        is_whole = all(state == "ok" for state in found.values())
        # In their order, not in that of the answers.
        states = {name: found[name] for name in (*self._checks, *self._optional)}
        body = {"status": "not ready" if not is_ready else "ready" if is_whole else "degraded", "checks": states}
        return _json(200 if is_ready else 503, body)

    async def _metrics(self, request: Request) -> Response:
        if not self._readers.may(request):
            return json_error(403, "forbidden", _NOT_FOR_EVERYBODY, headers={"cache-control": "no-store"})
        return Response(
            await self._siblings.exposition(self._telemetry.registry), headers={"content-type": METRICS_TYPE, "cache-control": "no-store"}
        )


def _is_for_this_machine(request: Request) -> bool:
    """Say whether a caller with this machine's address is no more than that.

    A proxy that adds no header still asks for the public host, and so does a web page whose name was made to mean this machine
    (DNS rebinding).
    """
    asked = parse_origin(f"http://{request.headers.get('host', '')}")
    return not is_forwarded(request.scope) and asked is not None and is_loopback_host(asked.host.strip("[]"))


async def _ask(name: str, check: Check) -> str | None:
    with anyio.move_on_after(CHECK_TIMEOUT_S):
        try:
            return await check()
        except Exception as error:
            logger.warning("dependency_not_ready", extra={"facts": {"dependency": name, "kind": type(error).__name__}})
            return "failed"
    return f"no answer within {CHECK_TIMEOUT_S:g} s"


def _json(status: int, body: object) -> Response:
    return Response(orjson.dumps(body), status, {"cache-control": "no-store"}, "application/json")
