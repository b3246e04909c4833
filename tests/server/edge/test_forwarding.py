"""A route passes requests on and answers back, whole or as they come."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from tests.server.edge.backend import Asked, backend, edge_of, orders, saying
from tests.server.edge.issuer import Issuer, verified
from tests.waiting import until


async def test_a_request_reaches_the_backend_and_its_answer_the_caller(tmp_path: Path) -> None:
    says = saying(b'{"id":1}', "Content-Type: application/json", "X-Own: a", status="201 Created")
    async with backend(says) as server, edge_of(tmp_path, orders(server)) as edge:
        answer = await edge.client.post("/edge/orders/new?kind=a%20b", json={"count": 2}, headers={"x-mine": "1"})
        assert (answer.status_code, answer.json(), answer.headers["x-own"]) == (201, {"id": 1}, "a")
        assert answer.headers["x-gateway-version"]
        asked = server.asked[0]
        assert (asked.line, asked.body) == ("POST /new?kind=a%20b HTTP/1.1", b'{"count":2}')
        assert (asked.of("x-mine"), asked.of("host")) == (["1"], [f"127.0.0.1:{server.port}"])


async def test_a_path_goes_on_as_it_is_and_below_the_backends_own(tmp_path: Path) -> None:
    async with backend() as server:
        route = orders(path="/api/orders/*", backends=[{"url": f"{server.url}/v2"}])
        async with edge_of(tmp_path, route) as edge:
            assert (await edge.client.get("/api/orders/7")).text == "hello"
            assert server.asked[0].line == "GET /v2/api/orders/7 HTTP/1.1"
            assert (await edge.client.get("/api/other")).json()["error"] == "not_found"
            assert (await edge.client.get("/edge/other")).status_code == 404


async def test_connections_are_used_again(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        for _ in range(5):
            assert (await edge.client.get("/edge/orders/")).text == "hello"
        assert (len(server.asked), server.connections) == (5, 1)


async def test_an_answer_without_a_body_keeps_the_connection(tmp_path: Path) -> None:
    async def speak(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = {"HEAD": "200 OK\r\nContent-Length: 7", "DELETE": "204 No Content", "GET": "304 Not Modified\r\nContent-Length: 7"}
        writer.write(f"HTTP/1.1 {said[asked.line.split()[0]]}\r\n\r\n".encode())

    async with backend(speak) as server, edge_of(tmp_path, orders(server)) as edge:
        head = await edge.client.head("/edge/orders/")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, "7", b"")
        assert (await edge.client.delete("/edge/orders/")).status_code == 204
        assert (await edge.client.get("/edge/orders/")).status_code == 304
        assert (len(server.asked), server.connections) == (3, 1)


async def test_events_come_as_they_are_sent(tmp_path: Path) -> None:
    more = asyncio.Event()

    async def speak(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        await more.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async with (
        backend(speak) as server,
        edge_of(tmp_path, orders(server)) as edge,
        edge.client.stream("GET", "/edge/orders/") as answer,
    ):
        events = answer.aiter_raw()
        assert await anext(events) == b"data: 1\n\n"
        more.set()
        assert b"".join([event async for event in events]) == b"data: 2\n\n"


async def test_a_large_body_passes_in_both_directions(tmp_path: Path) -> None:
    async def speak(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked.body) + asked.body)

    body = bytes(range(256)) * 20_000

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]

    async with backend(speak) as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.client.put("/edge/orders/", content=body)).content == body
        assert (await edge.client.post("/edge/orders/", content=pieces())).content == body
        assert server.asked[1].of("transfer-encoding") == ["chunked"]


async def test_a_caller_who_leaves_ends_the_backends_work(tmp_path: Path) -> None:
    async def speak(_asked: Asked, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)

    async with backend(speak) as server, edge_of(tmp_path, orders(server)) as edge:
        _reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: len(server.asked) == 1)
        writer.transport.abort()
        await until(lambda: server.ended == 1)
        await until(lambda: [each.error_code for each in edge.records] == ["caller_gone"])


async def test_an_answer_that_breaks_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    async def speak(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with backend(speak) as server, edge_of(tmp_path, orders(server)) as edge:
        got = await edge.spoken(b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"content-length: 100" in got.lower()
        assert got.endswith(b"half")
        assert [each.error_code for each in edge.records] == ["broken_off"]


async def test_requests_leave_records_with_their_trace(tmp_path: Path) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        await edge.client.get("/edge/orders/", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
        await edge.client.get("/edge/orders/../x")
        (record,) = edge.records
        assert server.asked[0].of("traceparent") == [f"00-{trace_id}-b7ad6b7169203331-01"]
        assert (record.operation, record.success, record.upstream_status, record.trace_id) == ("edge:orders", True, 200, trace_id)


async def test_what_no_limit_counted_leaves_a_record_once_a_second_and_all_are_counted(tmp_path: Path) -> None:
    """Else anybody could fill the history, and push out the rows of others."""
    issuer, now = Issuer(), 100.0
    async with backend(issuer.speaks) as keys, backend() as server:
        closed = {**orders(server, methods=["GET"], **verified(keys)), "name": "closed"}
        async with edge_of(tmp_path, orders(server, limit="2/h", cors={"origins": ["*"]}), closed) as edge:
            outcomes = edge.plane.outcomes
            outcomes.clock = lambda: now
            preflight = {"origin": "https://a.example", "access-control-request-method": "GET"}
            for _ in range(2):
                for _ in range(5):
                    await edge.client.get("/edge/closed/")
                    await edge.client.get("/edge/closed/", headers={"authorization": "Bearer a.b.c"})
                    await edge.client.post("/edge/closed/")
                    await edge.client.get("/edge/orders/")
                    await edge.client.options("/edge/orders/", headers=preflight)
                now += 1.0
            left = Counter((each.operation, each.error_code) for each in edge.records)
            assert left == {
                ("edge:closed", "unauthorized"): 2,
                ("edge:closed", "invalid_token"): 2,
                ("edge:closed", "method_not_allowed"): 2,
                ("edge:orders", "rate_limited"): 2,
                # two answers, which a limit counted, and preflights
                ("edge:orders", None): 4,
            }
            assert outcomes.counts["closed", "unauthorized"] == outcomes.counts["closed", "method_not_allowed"] == 10
            assert outcomes.counts["orders", "rate_limited"] == 8
