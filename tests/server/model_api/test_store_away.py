"""The store of the gateway is away while models are called: docs/guides/ai-fallback.md, "The gateway is away"."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from tests.server.model_api.conftest import Models
from tests.waiting import until

TABLES = ("budget_counters", "model_calls")
PRICED = {"model": "one/*", "from": "2026-01-01", "input": 1, "output": 1}


@asynccontextmanager
async def away(models: Models) -> AsyncIterator[None]:
    """Have each statement on these tables fail."""
    await rename(models, "{0}", "{0}_away")
    yield
    await rename(models, "{0}_away", "{0}")


async def rename(models: Models, here: str, there: str) -> None:
    async with models.gateway.store.database.write() as connection:
        for table in TABLES:
            await connection.execute(text(f"ALTER TABLE {here.format(table)} RENAME TO {there.format(table)}"))


async def test_what_no_budget_holds_goes_on_and_is_on_record_later(models: Models) -> None:
    async with away(models):
        assert (await models.chat("one/m")).status_code == 200

    async def is_on_record() -> bool:
        return len(await models.rows()) == 1

    await until(is_on_record)


async def test_what_a_budget_holds_is_refused_since_nobody_can_say_what_is_left(models: Models) -> None:
    await models.configure(budgets=[{"name": "all", "tenant": "acme", "window": "day", "usd": 5}], prices=[PRICED])
    async with away(models):
        response = await models.chat("one/m")
    assert (response.status_code, response.headers["x-gateway-error"], response.headers["retry-after"]) == (503, "no_target", "1")
    assert not models.provider.asked
    assert (await models.chat("one/m")).status_code == 200
