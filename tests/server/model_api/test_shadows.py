"""Shadows: another model is asked what was answered already, beside the caller and at nobody's cost of time or words."""

from typing import Any

import pytest

from tests.server.model_api.conftest import Models
from tests.waiting import until
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.ai_gateway.shadows.comparison import ShadowFigures, shadow_json

PRICES = [{"model": "one/*", "from": "2026-01-01", "output": 2_500}, {"model": "two/*", "from": "2026-01-01", "output": 5_000}]


async def configure(models: Models, arm: str = "two/m", **more: Any) -> None:
    trial = {"name": "x", "route": "r", "arms": {"b": arm}, "share": {"b": 1.0}, "shadow": True}
    await models.configure(routes={"r": {"targets": ["one/m"]}}, experiments=[trial], prices=PRICES, **more)


async def figures(models: Models) -> ShadowFigures:
    async def is_compared() -> bool:
        return bool(await models.gateway.store.comparisons.figures("x", 0))

    await until(is_compared)
    [found] = await models.gateway.store.comparisons.figures("x", 0)
    return found


async def shadow_row(models: Models) -> ModelCallRecord:
    async def has_ended() -> bool:
        return any(row.experiment == "x/b" for row in await models.rows())

    await until(has_ended)
    return next(row for row in await models.rows() if row.experiment == "x/b")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_shadow_answers_the_same_and_only_figures_are_kept(models: Models, is_stream: bool) -> None:
    await configure(models)
    response = await models.chat("r", stream=is_stream)
    assert (response.headers["x-gateway-experiment"], response.headers["x-gateway-provider"]) == ("x/control", "one")
    found = await figures(models)
    assert (found.arm, found.compared, found.chars, found.shadow_chars) == ("b", 1, 24, 24)
    assert found.similarity is None or found.similarity == pytest.approx(1, abs=1e-4)
    assert (found.cost_nano_usd, found.shadow_cost_nano_usd) == (10_000_000, 20_000_000)
    [shown] = shadow_json([found])
    assert (shown["usd_per_call"], shown["shadow_usd_per_call"]) == (0.01, 0.02)
    row = await shadow_row(models)
    assert (row.provider, row.is_stream, row.user, row.key_id) == ("two", False, "shadow:x", "")


async def test_a_shadow_is_no_repetition_of_its_callers_call(models: Models) -> None:
    """Else a provider that knows the key would answer that call once more."""
    await configure(models)
    await models.chat("r", headers={"idempotency-key": "once"})
    await shadow_row(models)
    (_path, first, _body), (_same, second, _other) = models.provider.asked
    assert first.get("idempotency-key")
    assert "idempotency-key" not in second


async def test_a_shadow_that_fails_is_its_own_affair(models: Models) -> None:
    await configure(models, "two/fails-503")
    assert (await models.chat("r")).status_code == 200
    assert (await shadow_row(models)).outcome == "error"
    assert list(await models.gateway.store.comparisons.figures("x", 0)) == []


async def test_a_shadow_has_a_budget_of_its_own(models: Models) -> None:
    """The caller's goes untouched."""
    mine = {"name": "mine", "key": "test", "window": "total", "usd": 1}
    await configure(models, budgets=[mine, {"name": "shadows", "user": "shadow:x", "window": "total", "usd": 0.001}])
    assert (await models.chat("r", max_tokens=4)).status_code == 200
    assert (await shadow_row(models)).status == 402
    assert [path for path, _sent, body in models.provider.asked if body["model"] == "m"] == ["/v1/chat/completions"]
    counters = {each.charge.budget: each.spent.nano_usd for each in await models.gateway.store.budgets.counters(0)}
    assert counters["mine"] == 10_000_000


async def test_a_held_shadow_is_asked_nothing(models: Models) -> None:
    await configure(models)
    await models.gateway.store.ai_configs.hold("x", "by hand", "")
    await models.gateway.ai_gateway.config.load()
    await models.chat("r")
    assert [row.experiment for row in await models.rows()] == ["x/control"]
