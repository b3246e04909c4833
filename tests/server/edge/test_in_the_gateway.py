"""The edge of a whole gateway: there where a route is configured, and nothing before."""

from pathlib import Path

import httpx2

from tests.gateway import served
from tests.server.edge.backend import backend, orders, saying
from tests.waiting import until


async def test_routes_follow_the_configuration(tmp_path: Path) -> None:
    async with backend(saying(b"one")) as one, backend(saying(b"two")) as two, served(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:

        async def put(*routes: dict[str, object]) -> None:
            newest = (await gateway.store.config_versions.newest()).version
            await gateway.store.config_versions.put({"edge": list(routes)}, "another process")
            await until(lambda: gateway.config.version > newest)

        async with httpx2.AsyncClient(base_url=gateway.settings.base_url, timeout=30) as client:
            assert (await client.get("/edge/orders/")).status_code == 404
            assert (await client.get("/health")).status_code == 404
            assert gateway.edge.plane is None
            await put(orders(one, path="/api/*"))
            assert (await client.get("/edge/orders/")).text == "one"
            health = (await client.get("/health")).json()
            assert (health["status"], health["edge"]) == ("ok", {"orders": "up"})
            assert (await client.get("/healthz")).status_code == 200
            await put(orders(two))
            assert (await client.get("/edge/orders/")).text == "two"
            assert (await client.get("/api/x")).status_code == 404
            assert 'ascend_edge_requests_total{outcome="2xx",route="orders"}' in (await client.get("/metrics")).text
            await put()
            assert (await client.get("/edge/orders/")).status_code == 404
            assert (await client.get("/health")).status_code == 404
