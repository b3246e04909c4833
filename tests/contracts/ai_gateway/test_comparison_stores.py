"""ComparisonStore in both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.storage.ai_gateway.comparisons import SqlComparisonStore
from server.storage.database import Database
from tests.contracts.databases import empty_database, url_of
from tools.ai_gateway.shadows.comparison import Comparison, ShadowFigures

ONE = Comparison("llm_1", "acme", 10, "x", "b", 0.5, 100, 200, 10.0, 20.0, 5, None)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def test_the_figures_of_an_arm_are_means_and_unknown_ones_are_left_out(database: Database) -> None:
    store = SqlComparisonStore(database)
    other = replace(ONE, call_id="llm_2", tenant_id="globex", similarity=None, chars=300, cost_nano_usd=7)
    for each in (
        ONE,
        ONE,
        other,
        replace(ONE, arm="c"),
        replace(ONE, call_id="llm_3", at_us=9),
        replace(ONE, call_id="llm_4", experiment="y"),
    ):
        await store.add(each)
    b, c = await store.figures("x", 10)
    assert b == ShadowFigures("b", 2, 0.5, 200.0, 200.0, 10.0, 20.0, 6.0, None)
    assert (c.arm, c.compared) == ("c", 1)
    await store.forget_before(10)
    assert [each.compared for each in await store.figures("x", 0)] == [2, 1]
