"""Nothing that a caller sends or an upstream answers stops everybody else.

How long is measured by `python -m benchmarks loop_stalls`; here only what hangs is found: minutes where seconds are far too many.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.loop.inputs import Input, call, inputs, model_calls
from tests.loop.stalled_gateway import StalledGateway, stalled_gateway

#: no measure of speed: what is above it hangs, on however slow a machine
HANG_S = 10.0
MAX_S = 60.0
#: of each corpus, so that none takes the time that a test may take, on however slow a machine
PARTS = 5


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StalledGateway]:
    """One for all: each input finds what those before it left."""
    async with stalled_gateway(tmp_path_factory.mktemp("house"), 8) as opened:
        yield opened


async def answered(house: StalledGateway, each: Input) -> None:
    with house.watched(HANG_S / 100) as watch:
        async with asyncio.timeout(MAX_S):
            status, answer = await house.send(each, each.body())
    assert watch.longest_s < HANG_S, each.name
    # What a provider sends damaged or refuses is 502, or comes with its status.
    assert status in (200, 400, 413) if each.path == "/mcp" else status in (200, 400, 404, 413, 500, 502), (each.name, answer[:300])
    assert b"internal_error" not in answer[:100_000], each.name


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_input_of_the_corpus_hangs_or_breaks(house: StalledGateway, part: int) -> None:
    """The rows of attacks.md about the event loop, and what else there is of their kind."""
    corpus = list(inputs(house.api_by_path))
    assert len(corpus) >= 80
    for each in corpus[part::PARTS]:
        await answered(house, each)


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_model_call_of_the_corpus_hangs_or_breaks(house: StalledGateway, part: int) -> None:
    """Bodies of 4 MB in every dialect, and what a provider may answer to them."""
    corpus = list(model_calls(with_largest=False))
    assert len(corpus) >= 150
    for each in corpus[part::PARTS]:
        await answered(house, each)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(value=VALUES, times=st.sampled_from([1, 10, 1_000, 20_000]), shape=st.integers(0, 4))
@examples(40, suppress_health_check=[HealthCheck.too_slow])
async def test_no_value_many_times_over_hangs_or_breaks(house: StalledGateway, value: Any, times: int, shape: int) -> None:
    """Any value as often as fits, at any place of a call."""
    many = [value] * min(times, max(1, 1_000_000 // max(1, len(str(value)))))
    sent = house.api_by_path["sent"]
    shapes = [
        ("call_api", {"api": sent, "args": {"rows": many}}),
        ("call_api", {"api": sent, "args": value}),
        ("batch_execute", {"steps": [{"id": f"s{at}", "api": sent, "args": {"zones": many[:200]}} for at in range(20)]}),
        ("batch_execute", {"steps": [{"id": "a", "api": sent, "args": {"rows": many}}], "return": "a.data"}),
        ("discover_apis", {"query": str(value), "ids": many[:20]}),
    ]
    tool, arguments = shapes[shape]
    try:
        headers, body = call(tool, arguments)
    except orjson.JSONEncodeError:
        return  # what no client can write either
    await answered(house, Input("drawn", headers, lambda: body))
