"""Requests go to backends by weight, past those that fail, and once to another where they may be repeated."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from server.config_versions.sections.edge import EdgeBackend
from server.edge.backends.choice import FAILURES, MARKED_S, Backend, Backends
from server.edge.backends.forwarding import BrokenOff, too_large
from server.edge.refusals import EdgeRefused
from tests.ports import free_port
from tests.server.edge.backend import Asked, backend, edge_of, orders, saying
from tests.waiting import until
from tools.egress.addresses import AddressRules


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def two(clock: Clock, weights: tuple[int, int] = (70, 30)) -> tuple[Backend, Backend]:
    rules = AddressRules()
    made = [EdgeBackend(url=f"https://{name}.example.com", weight=weight) for name, weight in zip("ab", weights, strict=True)]
    first, second = (Backend(each, rules.target(each.url), clock) for each in made)
    return first, second


def test_they_are_chosen_by_weight() -> None:
    at = iter(number / 1_000 for number in range(1_000))
    first, second = two(Clock())
    backends = Backends([first, second], lambda: next(at))
    assert Counter(backends.pick().url for _ in range(1_000)) == {first.url: 700, second.url: 300}


def test_one_without_weight_is_never_chosen() -> None:
    first, second = two(Clock(), (1, 0))
    backends = Backends([first, second])
    assert {backends.pick() for _ in range(50)} == {first}
    with pytest.raises(EdgeRefused):
        backends.pick(but=first)


def test_one_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    clock = Clock()
    first, second = two(clock)
    backends = Backends([first, second])
    for _ in range(FAILURES):
        assert first.may_answer
        first.failed(is_gone=False)
    assert not first.may_answer
    assert {backends.pick() for _ in range(50)} == {second}
    clock.now += MARKED_S
    assert first.may_answer
    first.failed(is_gone=True)
    clock.now += MARKED_S
    assert not first.may_answer, "it is left alone for longer the second time"
    clock.now += MARKED_S
    first.answered()
    assert first.may_answer


def test_one_that_cannot_be_reached_is_left_alone_at_once() -> None:
    first, second = two(Clock())
    first.failed(is_gone=True)
    second.failed(is_gone=True)
    with pytest.raises(EdgeRefused) as refused:
        Backends([first, second]).pick()
    assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "10")


async def test_a_request_that_may_be_repeated_goes_to_another_backend_once(tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    async with backend() as well, edge_of(tmp_path, orders(backends=[{"url": gone}, {"url": well.url}])) as edge:
        edge.plane.routes[0].backends._choose = lambda: 0.0  # the first, as long as it may answer
        assert (await edge.client.get("/edge/orders/")).text == "hello"
        # The one that is gone is marked now, so a write goes straight to the other.
        assert (await edge.client.post("/edge/orders/", content=b"x")).text == "hello"


async def test_a_write_is_not_repeated(tmp_path: Path) -> None:
    async def ends(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with backend(ends) as one, backend(ends) as two_, edge_of(tmp_path, orders(one, two_)) as edge:
        answer = await edge.client.post("/edge/orders/", content=b"x")
        assert (answer.status_code, answer.json()["error"]) == (502, "backend_failed")
        assert len(one.asked) + len(two_.asked) == 1
        answer = await edge.client.get("/edge/orders/")
        assert answer.status_code == 502
        assert len(one.asked) + len(two_.asked) == 3, "a read is tried at both, and not a third time"
        # Which ones failed, and how, is for the operator.
        reason = edge.records[1].reason
        assert all(f"127.0.0.1:{each.port} ended the connection" in reason for each in (one, two_))
        assert "127.0.0.1" not in answer.text


async def test_a_write_whose_kept_connection_ended_is_not_repeated_either(tmp_path: Path) -> None:
    async def once(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked.line.startswith("POST"):
            writer.close()
        else:
            await saying()(asked, reader, writer)

    async with backend(once) as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.client.get("/edge/orders/")).status_code == 200
        assert (await edge.client.post("/edge/orders/", content=b"x")).status_code == 502
        assert len(server.asked) == 2


async def test_all_down_is_503_and_then_well_again(tmp_path: Path) -> None:
    is_well = False

    async def speak(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(status="200 OK" if is_well else "500 Oh")(asked, reader, writer)

    async with backend(speak) as server:
        route = orders(server, health={"path": "/well", "every_s": 1})
        async with edge_of(tmp_path, route) as edge:
            (only,) = edge.plane.routes[0].backends.all
            await until(lambda: not only.is_well)
            answer = await edge.client.get("/edge/orders/")
            assert (answer.status_code, answer.json()["error"]) == (503, "no_backend")
            assert answer.headers["retry-after"]
            health = (await edge.client.get("/health")).json()
            assert (health["status"], health["edge"]) == ("degraded", {"orders": "down"})
            is_well = True
            await until(lambda: only.is_well)
            assert (await edge.client.get("/edge/orders/")).status_code == 200
            assert len([asked for asked in server.asked if asked.line != "GET /well HTTP/1.1"]) == 1


async def test_a_slow_backend_is_given_up(tmp_path: Path) -> None:
    async def speak(_asked: Asked, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with backend(speak) as server, edge_of(tmp_path, orders(server, timeout_s=0.2)) as edge:
        answer = await edge.client.get("/edge/orders/")
        assert (answer.status_code, answer.json()["error"]) == (504, "backend_timeout")
        await until(lambda: server.ended >= 1)
        assert edge.records[0].reason == f"127.0.0.1:{server.port} did not answer in time"


def test_a_backend_is_not_blamed_for_an_answer_that_ended_with_its_caller() -> None:
    first, _ = two(Clock())
    assert BrokenOff(first, too_large(5)).cause == "a.example.com was left: 5 bytes are the most"


async def test_the_reason_of_a_failure_is_short_whatever_a_host_is_called(tmp_path: Path) -> None:
    long = ".".join(["a" * 60] * 3)
    backends = [{"url": f"http://{letter}.{long}.localhost:{free_port()}"} for letter in "ab"]
    allow = [str(each["url"]).removeprefix("http://") for each in backends]
    async with edge_of(tmp_path, orders(backends=backends), allow=allow) as edge:
        assert (await edge.client.get("/edge/orders/")).status_code == 502
        assert f".{long[:60]}" in edge.records[0].reason
        assert len(edge.records[0].reason) <= 200


async def test_what_is_known_of_a_backend_outlives_a_change_of_the_routes(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        edge.plane.routes[0].backends.all[0].failed(is_gone=True)
        edge.change(orders(backends=[{"url": server.url, "weight": 7}]))
        assert (await edge.client.get("/edge/orders/")).status_code == 503
        assert edge.plane.routes[0].backends.all[0].weight == 7


async def test_a_private_backend_is_called_only_where_the_machine_allows_it(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server), allow=()) as edge:
        assert (await edge.client.get("/edge/orders/")).status_code == 503
        assert not server.connections


async def test_so_many_are_under_way_and_no_more(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def speak(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        await saying()(asked, reader, writer)

    async with backend(speak) as server, edge_of(tmp_path, orders(server, max_in_flight=1)) as edge:
        first = asyncio.create_task(edge.client.get("/edge/orders/"))
        await until(lambda: len(server.asked) == 1)
        assert (await edge.client.get("/edge/orders/")).json()["error"] == "busy"
        # What is under way goes on under routes that came into force since.
        edge.change(orders(server, max_in_flight=1, timeout_s=20))
        assert (await edge.client.get("/edge/orders/")).json()["error"] == "busy"
        go.set()
        assert (await first).status_code == 200
        assert edge.plane.routes[0].in_flight == 0
        assert (await edge.client.get("/edge/orders/")).status_code == 200
