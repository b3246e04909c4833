"""What calls cost: by the file, by the built-in book, by date, hour and size; never more than was set aside."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ai_gateway.configuration.config import PriceRule, PriceTier
from tools.ai_gateway.pricing.price_book import Cost, PriceBook
from tools.ai_gateway.token_usage import TokenUsage

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
NEW_YEAR = date(2026, 1, 1)


def book(*rules: PriceRule) -> PriceBook:
    return PriceBook(lambda: rules)


def cost(rule: PriceRule, usage: TokenUsage, at: datetime = NOON) -> int | None:
    found = book(rule).cost("oai", "m", usage, at)
    return None if found is None else found.nano_usd


def test_cached_tokens_are_within_the_input_and_cost_less() -> None:
    """OpenAI's way of counting; LiteLLM #9812: cached tokens billed twice."""
    rule = PriceRule("oai/m", NEW_YEAR, input=2, output=10, cached_input=0.2)
    assert cost(rule, TokenUsage(3_000, 2_000, output_tokens=500)) == (1_000 * 2_000 + 2_000 * 200 + 500 * 10_000)


def test_written_tokens_cost_more_and_for_an_hour_twice_the_input() -> None:
    rule = PriceRule("oai/m", NEW_YEAR, input=3, output=15, cached_input=0.3, cache_write=3.75)
    usage = TokenUsage(14_100, 10_000, 4_000, output_tokens=200)
    assert cost(rule, usage) == 100 * 3_000 + 10_000 * 300 + 4_000 * 3_750 + 200 * 15_000
    assert cost(rule, TokenUsage(1_000, 0, 1_000, 400)) == 600 * 3_750 + 400 * 6_000


def test_what_a_line_does_not_say_of_caches_costs_as_input() -> None:
    assert cost(PriceRule("oai/m", NEW_YEAR, input=3, output=15), TokenUsage(10, 3, 3, 3)) == 30_000


def test_per_request_and_per_neuron() -> None:
    assert cost(PriceRule("oai/m", NEW_YEAR, per_request=0.005), TokenUsage(9, output_tokens=9)) == 5_000_000
    assert cost(PriceRule("oai/m", NEW_YEAR, neurons_per_request=75, usd_per_1000_neurons=0.011), TokenUsage()) == 825_000


@pytest.mark.parametrize(("input_tokens", "rate"), [(1, 1_000), (200_000, 1_000), (200_001, 2_000), (500_001, 4_000)])
def test_the_size_of_the_input_decides_for_the_whole_call(input_tokens: int, rate: int) -> None:
    tiers = (PriceTier(500_000, 4, 4), PriceTier(200_000, 2, 2))
    assert cost(PriceRule("oai/m", NEW_YEAR, input=1, output=1, above=tiers), TokenUsage(input_tokens)) == input_tokens * rate


def test_the_price_of_a_cache_rises_with_the_tier() -> None:
    rule = PriceRule("oai/m", NEW_YEAR, input=1, output=1, cached_input=0.1, above=(PriceTier(10, 2, 2),))
    assert cost(rule, TokenUsage(20, 20)) == 20 * 200


def test_a_call_may_cost_less_than_a_millionth_of_a_dollar() -> None:
    """Decision 0035."""
    assert cost(PriceRule("oai/m", NEW_YEAR, input=0.02), TokenUsage(10)) == 200
    assert cost(PriceRule("oai/m", NEW_YEAR, input=0.05), TokenUsage(1)) == 50


@pytest.mark.parametrize(
    ("at", "usd"),
    [("2025-12-31T23:59", None), ("2026-01-01T00:00", 1), ("2026-06-01T00:00", 2), ("2026-06-01T01:00", 3), ("2026-06-01T04:00", 2)],
)
def test_the_latest_price_that_holds_by_date_and_hour(at: str, usd: int | None) -> None:
    first, later = PriceRule("oai/*", NEW_YEAR, input=1), PriceRule("oai/*", date(2026, 6, 1), input=2)
    peak = PriceRule("oai/*", date(2026, 6, 1), input=3, utc="01:00-04:00")
    found = book(first, peak, later).cost("oai", "m", TokenUsage(1_000_000), datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert found == (None if usd is None else Cost(usd * 10**9, f"{'2026-01-01' if usd == 1 else '2026-06-01'} file"))


@pytest.mark.parametrize(("hour", "is_night"), [(21, False), (22, True), (0, True), (3, True), (4, False)])
def test_hours_may_go_over_midnight(hour: int, is_night: bool) -> None:
    rules = (PriceRule("oai/m", NEW_YEAR, input=1), PriceRule("oai/m", NEW_YEAR, input=9, utc="22:00-04:00"))
    assert book(*rules).per_million("oai", "m", NOON.replace(hour=hour)) == (9 if is_night else 1)


def test_the_first_glob_of_the_file_decides() -> None:
    rules = (PriceRule("*/m", NEW_YEAR, input=1), PriceRule("oai/*", date(2026, 6, 1), input=2))
    assert book(*rules).per_million("oai", "m", NOON) == 1
    assert book(*rules).per_million("oai", "n", NOON) == 2
    not_yet = PriceRule("*/m", date(2027, 1, 1), input=1)
    assert book(not_yet, rules[1]).per_million("oai", "m", NOON) == 2


def test_an_unknown_price_is_none_and_never_zero() -> None:
    nothing = book()
    assert nothing.cost("oai", "m", TokenUsage(1), NOON) is None
    assert nothing.most_nano_usd("oai", "m", 1, 1, NOON) is None
    assert nothing.per_million("oai", "m", NOON) is None


def test_operations_have_a_price_by_the_file_alone() -> None:
    """A line for each request; the book is about models, and of those nothing is charged for asking."""
    lines = (PriceRule("crm/contacts.*", NEW_YEAR, per_request=0.02), PriceRule("*", NEW_YEAR, input=1))
    prices = book(*lines)
    assert prices.request_nano_usd("crm", "contacts.enrich", NOON) == 20_000_000
    assert prices.request_nano_usd("crm", "deals.list", NOON) == 0
    assert book().request_nano_usd("perplexity", "sonar", NOON) == 0
    assert book(lines[0]).request_nano_usd("perplexity", "sonar", NOON) == 0


def test_new_rules_hold_at_once() -> None:
    rules = (PriceRule("oai/m", NEW_YEAR, input=1),)
    prices = PriceBook(lambda: rules)
    assert prices.per_million("oai", "m", NOON) == 1
    rules = (PriceRule("oai/m", NEW_YEAR, input=2),)
    assert prices.per_million("oai", "m", NOON) == 2


def test_a_call_that_runs_into_dearer_hours_was_set_aside_for() -> None:
    rules = (PriceRule("oai/m", NEW_YEAR, input=1), PriceRule("oai/m", NEW_YEAR, input=9, utc="12:30-14:00"))
    assert book(*rules).most_nano_usd("oai", "m", 10, 0, NOON) == 90_000


RATES = st.floats(0, 200, allow_nan=False)
TOKENS = st.integers(0, 400_000)


@given(RATES, RATES, RATES, RATES, TOKENS, TOKENS, TOKENS, TOKENS, TOKENS)
def test_no_call_costs_more_than_was_set_aside(
    input_usd: float, output_usd: float, cached: float, written: float, given_tokens: int, read: int, write: int, hour: int, out: int
) -> None:
    """Whatever a provider reports within the bounds, in whichever tier it ends up."""
    above = (PriceTier(200_000, input_usd * 2, output_usd / 2),)
    rule = PriceRule("oai/m", NEW_YEAR, input_usd, output_usd, cached, written, 0.001, above=above)
    usage = TokenUsage(given_tokens, read, write, hour, out)
    most = book(rule).most_nano_usd("oai", "m", given_tokens, out, NOON)
    paid = cost(rule, usage)
    assert most is not None
    assert paid is not None
    assert 0 <= paid <= most
