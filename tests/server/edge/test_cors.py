"""Pages of the origins that a route names may read its answers, and no others."""

from pathlib import Path

from tests.server.edge.backend import backend, edge_of, orders, saying

APP, EVIL = "https://app.example.com", "https://evil.example.com"
CORS = {"origins": [APP, "http://localhost:3000"], "credentials": True, "exposed": ["X-Total"]}
PREFLIGHT = {"access-control-request-method": "PUT", "access-control-request-headers": "authorization"}


async def test_a_page_of_a_named_origin_may_call_and_read(tmp_path: Path) -> None:
    says = saying(b"{}", "Access-Control-Allow-Origin: *", "Vary: Accept")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cors=CORS, methods=["GET", "PUT"])) as edge:
        asked = await edge.client.options("/edge/orders/", headers={"origin": APP, **PREFLIGHT})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, APP)
        assert asked.headers["access-control-allow-methods"] == "GET, PUT"
        assert asked.headers["access-control-allow-credentials"] == "true"
        answer = await edge.client.get("/edge/orders/", headers={"origin": APP})
        assert answer.headers.get_list("access-control-allow-origin") == [APP]
        assert answer.headers["access-control-expose-headers"] == "X-Total"
        assert answer.headers["vary"] == "Accept, Origin"
        assert len(server.asked) == 1


async def test_a_page_of_another_origin_may_not(tmp_path: Path) -> None:
    says = saying(b"{}", "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cors=CORS)) as edge:
        for origin in (EVIL, "null", "https://app.example.com.evil.example", "http://app.example.com"):
            assert (await edge.client.options("/edge/orders/", headers={"origin": origin, **PREFLIGHT})).status_code == 403
            answer = await edge.client.get("/edge/orders/", headers={"origin": origin})
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["vary"] == "Origin"


async def test_a_refusal_can_be_read_by_the_page_that_asked(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server, cors=CORS, limit="1/h")) as edge:
        for _ in range(2):
            answer = await edge.client.get("/edge/orders/", headers={"origin": APP})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (429, APP)


async def test_without_cors_preflights_are_the_backends(tmp_path: Path) -> None:
    async with backend(saying(b"", "Access-Control-Allow-Origin: *")) as server, edge_of(tmp_path, orders(server)) as edge:
        answer = await edge.client.options("/edge/orders/", headers={"origin": EVIL, **PREFLIGHT})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
