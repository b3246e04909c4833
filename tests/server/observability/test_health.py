"""Whether the gateway is ready, and what keeps it from it."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.config.load import load
from server.observability.health import Health, MetricsReaders
from server.observability.telemetry import Telemetry


def test_readiness_names_the_dependency_that_fails() -> None:
    """Contract /readyz: readiness per dependency, nothing of their addresses."""

    async def up() -> None:
        return None

    async def building() -> str:
        return "index is loading"

    async def broken() -> None:
        raise OSError("could not connect to db.internal:5432")

    health = Health(Telemetry(), {"store": broken, "index": building, "keys": up}, MetricsReaders(load(None, {})))
    with TestClient(Starlette(routes=[*health.routes()]), client=("127.0.0.1", 1), base_url="http://127.0.0.1") as http:
        response = http.get("/readyz")
        assert response.status_code == 503
        assert response.json() == {"status": "not ready", "checks": {"store": "failed", "index": "index is loading", "keys": "ok"}}
        assert http.get("/healthz").json() == {"status": "ok"}
        assert http.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "ascend_call_rows_waiting" in http.get("/metrics").text


def test_readiness_is_ok_when_every_dependency_is() -> None:
    """Contract /readyz."""

    async def up() -> None:
        return None

    with TestClient(Starlette(routes=[*Health(Telemetry(), {"store": up}, MetricsReaders(load(None, {}))).routes()])) as http:
        assert http.get("/readyz").json() == {"status": "ready", "checks": {"store": "ok"}}
