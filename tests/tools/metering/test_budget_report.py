"""What `ascend ai budget` and the administrators' API show."""

from tests.tools.metering.spending_world import NOON_S, dollars
from tools.metering.budget_report import OwnBudget, budget_rows
from tools.metering.rules import BudgetRule, Selector
from tools.metering.spending import Amount, Charge
from tools.metering.stores import Counter

NOON_US = int(NOON_S) * 1_000_000
MIDNIGHT_US = NOON_US - 12 * 3_600 * 1_000_000


def counter(budget: str, whose: str = "", start_us: int = 0) -> Counter:
    charge = Charge(budget, whose, start_us, tenant_id="acme")
    return Counter(charge, Amount(20_000_000, 7), Amount(10_000_000, 3), (Amount(20_000_000), Amount(50_000_000)))


def test_a_budget_says_what_is_spent_set_aside_and_told() -> None:
    [row] = budget_rows([dollars("month", 500, Selector(tenant="acme"), over="cheap")], [], [counter("month")], NOON_US)
    assert row == {
        "name": "month",
        "tenant": "acme",
        "whose": "",
        "window": "total",
        "from": None,
        "until": None,
        "usd": 500.0,
        "tokens": None,
        "spent_usd": 0.02,
        "spent_tokens": 7,
        "reserved_usd": 0.01,
        "reserved_tokens": 3,
        "alerted": [0.02, 0.05],
        "over": "cheap",
    }


def test_a_budget_in_which_nothing_counted_yet_is_there() -> None:
    [row] = budget_rows([BudgetRule("day", Selector(), "day", tokens=5)], [], [], NOON_US)
    assert (row["name"], row["spent_tokens"], row["tokens"], row["usd"], row["over"]) == ("day", 0, 5, None, "refuse")
    assert (row["from"], row["until"]) == ("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z")


def test_each_its_own_has_a_row_each_and_only_the_present_window_counts() -> None:
    counters = [counter("day", "user=ada", MIDNIGHT_US), counter("day", "user=bob", MIDNIGHT_US), counter("day", "user=cy")]
    rows = budget_rows([dollars("day", 1, Selector(user="*"), window="day")], [], counters, NOON_US)
    assert [row["whose"] for row in rows] == ["user=ada", "user=bob"]


def test_budgets_of_keys_follow_one_row_for_each_key() -> None:
    """Two keys of one name, and a budget of the file that is called so, too."""
    own = [OwnBudget(dollars("key bot", 1), "key_1"), OwnBudget(dollars("key bot", 2), "key_2")]
    rows = budget_rows([dollars("key bot", 9)], own, [counter("key bot", "key_2"), counter("key bot")], NOON_US)
    assert [(row["usd"], row["whose"], row["spent_usd"]) for row in rows] == [(9.0, "", 0.02), (1.0, "key_1", 0.0), (2.0, "key_2", 0.02)]
