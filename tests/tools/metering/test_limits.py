"""Limits of requests and tokens: how many get through, what the others are told, and who shares a counter."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.metering.spending_world import SPENDING
from tools.metering.limits import MAX_WINDOWS, LimitExceeded, Limits, LimitTicket
from tools.metering.rules import LimitRule, Selector
from tools.metering.spending import Spending

MINUTE_S = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def limits(*rules: LimitRule) -> tuple[Limits, Clock]:
    clock = Clock()
    return Limits(lambda: rules, clock), clock


def take(counting: Limits, spending: Spending, tokens: int) -> LimitTicket:
    """Take without a loop: where no process shares there is nothing to wait for."""
    with pytest.raises(StopIteration) as ended:
        counting.take(spending, tokens).send(None)
    ticket: LimitTicket = ended.value.value
    return ticket


def passes(counting: Limits, tokens: int = 0, **who: str) -> bool:
    try:
        take(counting, replace(SPENDING, **who), tokens)  # type: ignore[arg-type]  # names of texts only
    except LimitExceeded:
        return False
    return True


def test_so_many_get_through_at_once_and_no_more() -> None:
    counting, _clock = limits(LimitRule(Selector(key="bot"), "hour", requests=10))
    assert [passes(counting) for _ in range(100)].count(True) == 10
    assert passes(counting, key="other")


def test_who_waits_as_long_as_told_gets_through() -> None:
    counting, clock = limits(LimitRule(Selector(), "minute", requests=2))
    assert passes(counting)
    clock.now += 30
    assert passes(counting)
    with pytest.raises(LimitExceeded) as refused:
        take(counting, SPENDING, 0)
    assert 20 < refused.value.retry_after_s <= 30
    clock.now += refused.value.retry_after_s
    assert passes(counting)
    assert not passes(counting)


def test_a_refusal_says_when_to_come_back() -> None:
    """draft-ietf-httpapi-ratelimit-headers-11; SDKs look at retry-after-ms first."""
    counting, _clock = limits(LimitRule(Selector(key="bot"), "minute", requests=1))
    assert passes(counting)
    with pytest.raises(LimitExceeded, match="1 request a minute is used up; wait") as refused:
        take(counting, SPENDING, 0)
    headers = refused.value.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert 1 <= int(headers["retry-after-ms"]) <= 60_000
    assert headers["ratelimit-policy"] == '"key-minute";q=1;qu="requests";w=60'
    assert headers["ratelimit"].startswith('"key-minute";r=0;t=')
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("1", "0")


def test_an_answer_says_what_is_left_of_the_tightest() -> None:
    counting, _clock = limits(LimitRule(Selector(), "minute", requests=3), LimitRule(Selector(tenant="acme"), "day", tokens=1_000))
    headers = take(counting, SPENDING, 900).headers
    assert headers["ratelimit-policy"] == '"minute";q=3;qu="requests";w=60, "tenant-day-tokens";q=1000;qu="tokens";w=86400'
    assert headers["ratelimit"].split(", ")[0].startswith('"minute";r=2;t=')
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("1000", "100")


def test_no_limit_no_headers() -> None:
    counting, _clock = limits(LimitRule(Selector(key="other"), "minute", requests=1))
    assert take(counting, SPENDING, 5).headers == {}


def test_a_refused_call_takes_nothing_from_any_limit() -> None:
    counting, _clock = limits(LimitRule(Selector(), "hour", requests=2), LimitRule(Selector(key="bot"), "hour", requests=1))
    assert [passes(counting) for _ in range(5)] == [True, False, False, False, False]
    assert passes(counting, key="other")
    assert not passes(counting, key="third")


def test_tokens_are_taken_at_most_and_settled_as_used() -> None:
    counting, _clock = limits(LimitRule(Selector(), "minute", tokens=1_000))
    ticket = take(counting, SPENDING, 900)
    assert not passes(counting, 200)
    counting.settle(ticket, 100)
    assert passes(counting, 900)
    assert not passes(counting, 1)


def test_tokens_that_were_used_beyond_what_was_taken_count_too() -> None:
    counting, _clock = limits(LimitRule(Selector(), "minute", tokens=1_000))
    counting.settle(take(counting, SPENDING, 10), 1_000)
    assert not passes(counting, 1)


def test_a_call_larger_than_the_limit_gets_an_empty_window() -> None:
    """A maximum nobody named is large, what is used small."""
    counting, clock = limits(LimitRule(Selector(), "minute", tokens=1_000))
    ticket = take(counting, SPENDING, 4_096)
    assert not passes(counting, 1)
    counting.settle(ticket, 500)
    assert passes(counting, 500)
    assert not passes(counting, 4_096)
    clock.now += MINUTE_S
    assert passes(counting, 4_096)


def test_what_is_settled_after_its_window_changes_nothing() -> None:
    counting, clock = limits(LimitRule(Selector(), "minute", tokens=1_000))
    ticket = take(counting, SPENDING, 1_000)
    clock.now += 2 * MINUTE_S
    assert passes(counting, 400)
    counting.settle(ticket, 0)
    assert not passes(counting, 700)
    assert passes(counting, 600)


def test_each_counts_by_itself_within_its_tenant() -> None:
    counting, _clock = limits(LimitRule(Selector(key="*"), "hour", requests=1))
    assert passes(counting)
    assert not passes(counting)
    assert passes(counting, key="other")
    assert passes(counting, tenant_id="globex")
    assert [passes(counting, key="") for _ in range(3)] == [True] * 3


def test_leaving_the_user_out_is_no_way_around() -> None:
    counting, _clock = limits(LimitRule(Selector(user="*"), "hour", requests=1))
    assert [passes(counting, user=user) for user in ("ada", "ada", "", "")] == [True, False, True, False]


def test_invented_users_take_room_from_nobody_else() -> None:
    """What is kept is bounded, and forgotten at the cost of the tenant that fills it."""
    counting, _clock = limits(LimitRule(Selector(user="*"), "hour", requests=1))
    assert passes(counting, tenant_id="globex")
    for n in range(MAX_WINDOWS + 10):
        passes(counting, user=f"invented-{n}")
    assert not passes(counting, tenant_id="globex")
    assert sum(len(windows) for windows in counting._windows.values()) == MAX_WINDOWS + 1


def test_new_rules_keep_the_counters_of_those_that_stay() -> None:
    rules: list[tuple[LimitRule, ...]] = [(LimitRule(Selector(), "hour", requests=1),)]
    counting = Limits(lambda: rules[0], Clock())
    assert passes(counting)
    rules[0] = (*rules[0], LimitRule(Selector(), "day", requests=9))
    assert not passes(counting)
    rules[0] = rules[0][1:]
    assert passes(counting)


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=80), st.integers(1, 8))
def test_never_more_than_the_limit_in_eleven_twelfths_of_its_window(gaps: list[float], most: int) -> None:
    counting, clock = limits(LimitRule(Selector(), "minute", requests=most))
    through: list[float] = []
    for gap in gaps:
        clock.now += gap
        if passes(counting):
            through.append(clock.now)
    for n, at in enumerate(through[: -most or None]):
        if n + most < len(through):
            assert through[n + most] - at >= MINUTE_S * 11 / 12 - 1e-6
