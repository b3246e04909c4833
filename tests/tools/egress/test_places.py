"""One tenant's calls to a slow upstream do not keep another's waiting."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.tools.egress.fault_server import serving
from tools.egress.client import Egress, OutboundRequest
from tools.egress.places import PLACES_PER_ORIGIN, EgressPlaces
from tools.errors import Busy

pytestmark = pytest.mark.anyio
MAL, ADA = ("flood", "mal"), ("quiet", "ada")
FINE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine"


@pytest.fixture
async def egress(is_lean: bool) -> AsyncIterator[Egress]:
    async with Egress(["127.0.0.1:*"], is_lean=is_lean) as opened:
        yield opened


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_calls_that_wait_for_a_slow_upstream_leave_connections_for_another_tenant(egress: Egress, method: str) -> None:
    """Far more than there are places are under way for one person; the call of the other is answered while all of them still wait."""

    async def answer(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "/quick" in head:
            writer.write(FINE)
            await writer.drain()
        else:
            waiting.set()
        await reader.read()

    waiting = asyncio.Event()
    async with serving(answer) as origin, asyncio.timeout(30):
        flood = [
            asyncio.create_task(egress.send(OutboundRequest(method, f"{origin}/slow", holder=MAL))) for _ in range(PLACES_PER_ORIGIN + 50)
        ]
        await waiting.wait()
        assert (await egress.send(OutboundRequest("GET", f"{origin}/quick", holder=ADA))).body == b"fine"
        assert not any(task.done() for task in flood)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
        assert (await egress.send(OutboundRequest("GET", f"{origin}/quick", holder=MAL))).body == b"fine"


async def test_waiting_for_a_connection_counts_towards_the_time_of_the_call(egress: Egress) -> None:
    """The error says that nothing was sent, and what was busy."""
    egress.places = EgressPlaces(per_origin=1)

    asked = asyncio.Event()

    async def hang(_head: str, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with serving(hang) as origin, asyncio.timeout(30):
        first = asyncio.create_task(egress.send(OutboundRequest("POST", origin, body=b"{}", holder=MAL)))
        await asked.wait()
        with pytest.raises(Busy) as caught:
            await egress.send(OutboundRequest("POST", origin, body=b"{}", timeout_s=0.1, holder=ADA))
        assert caught.value.failure.code == "busy"
        assert origin.removeprefix("http://") in caught.value.failure.message
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


def test_the_whole_gateway_has_a_bound_that_is_shared_fairly_too() -> None:
    """A tenant with many upstreams that hang does not take every connection there is."""
    places = EgressPlaces(places=30, per_origin=10)
    origins = [("https", f"host{number}", 443) for number in range(40)]
    assert sum(places.take(origin, MAL) for origin in origins) == 10
    assert places.take(("https", "elsewhere", 443), ADA)


def test_a_call_that_finds_no_place_in_all_takes_none_at_its_origin() -> None:
    places = EgressPlaces(places=1, per_origin=10)
    origin = ("https", "crm", 443)
    assert places.take(origin, MAL)
    assert not places.take(origin, ADA)
    places.release(origin, MAL)
    assert places.take(origin, ADA)
    places.release(origin, ADA)
    assert places._by_origin[origin].in_use == 0
