"""`ascend ai budget`."""

import json
from pathlib import Path

import anyio

from server.config.load import load
from server.storage.store import open_store
from tests.command_line import ascend_here
from tests.empty_store import put_data_directory
from tools.metering.budgets import current
from tools.metering.rules import BudgetRule, Selector
from tools.metering.selection import Counted
from tools.metering.spending import Amount, Reservation, settled
from tools.metering.stores import Ask, Ceiling


def test_the_budget_of_a_key_is_listed_with_what_is_spent(tmp_path: Path) -> None:
    minted = json.loads(ascend_here("ai", "key", "mint", "bot", "--tenant", "default", "--usd", "0.5", "--json", data_dir=tmp_path).stdout)

    async def spend() -> None:
        rule = BudgetRule("key bot", Selector(), "total", 500_000_000)
        charge = current(rule, Counted("default", minted["id"]), 0)
        kept, torn = (Reservation(f"res_{n}", (charge,), Amount(10_000_000, 9)) for n in range(2))
        async with open_store(load(tmp_path)) as store:
            # The time of the second is up: whoever made it is gone.
            asks = [Ask(each, (Ceiling(),), "default", 1) for each in (kept, torn)]
            assert list(await store.budgets.reserve(asks)) == [None, None]
            await store.budgets.settle([settled(kept, Amount(2_000_000, 3), "openai", "m")])

    anyio.run(spend)
    [row] = json.loads(ascend_here("ai", "budget", "--json", data_dir=tmp_path).stdout)
    assert (row["name"], row["whose"], row["usd"], row["spent_usd"], row["reserved_usd"]) == ("key bot", minted["id"], 0.5, 0.002, 0.0)
    assert "key bot" in ascend_here("ai", "budget", data_dir=tmp_path).stdout


def test_without_a_budget_it_says_how_one_is_made(tmp_path: Path) -> None:
    assert json.loads(ascend_here("ai", "budget", "--json", data_dir=tmp_path).stdout) == []
    assert "[[budgets]]" in ascend_here("ai", "budget", data_dir=tmp_path).stdout


def test_budgets_of_the_file_are_listed_before_anything_is_spent(tmp_path: Path) -> None:
    async def apply() -> None:
        async with open_store(load(put_data_directory(tmp_path))) as store:
            await store.ai_configs.put({"budgets": [{"name": "month", "window": "month", "usd": 5}]}, "test")

    anyio.run(apply)
    [row] = json.loads(ascend_here("ai", "budget", "--json", data_dir=tmp_path).stdout)
    assert (row["name"], row["usd"], row["spent_usd"], row["alerted"]) == ("month", 5.0, 0.0, [])
