"""Liveness, readiness and metrics, for the machinery that runs the gateway."""

import logging
from collections.abc import Awaitable, Callable, Mapping

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.telemetry import METRICS_TYPE, Telemetry

logger = logging.getLogger(__name__)

CHECK_TIMEOUT_S = 2.0

#: returns None when the dependency can serve, else a few words on what is wrong (public: no addresses, no secrets)
Check = Callable[[], Awaitable[str | None]]


class Health:
    """`/healthz` says that the process answers; `/readyz` asks each dependency; `/metrics` is for Prometheus."""

    def __init__(self, telemetry: Telemetry, checks: Mapping[str, Check]) -> None:
        self._telemetry = telemetry
        self._checks = checks

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
            for name, check in self._checks.items():
                group.start_soon(ask, name, check)
        is_ready = all(state == "ok" for state in found.values())
        body = {"status": "ready" if is_ready else "not ready", "checks": {name: found[name] for name in self._checks}}
        return _json(200 if is_ready else 503, body)

    async def _metrics(self, request: Request) -> Response:
        return Response(self._telemetry.exposition(), headers={"content-type": METRICS_TYPE})


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
