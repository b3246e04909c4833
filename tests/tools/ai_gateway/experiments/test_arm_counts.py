"""When an arm breaks a rule of its experiment."""

import pytest

from tools.ai_gateway.configuration.config import HoldRule
from tools.ai_gateway.experiments.arm_call import ArmCall
from tools.ai_gateway.experiments.arm_counts import ArmCounts, p95_of


def counts_of(rule: HoldRule, calls: list[ArmCall]) -> ArmCounts:
    counts = ArmCounts(rule, "try")
    for each in calls:
        counts.add(each)
    return counts


def calls(count: int, *, errors: int = 0, fallbacks: int = 0, ms: float = 10) -> list[ArmCall]:
    return [ArmCall("cf", "b", n < errors, n < fallbacks, ms) for n in range(count)]


@pytest.mark.parametrize(
    ("rule", "given", "said"),
    [
        (HoldRule(20, error_rate=0.05), calls(20, errors=2), "2 errors in 20 calls, more than 5.0%"),
        (HoldRule(20, fallback_rate=0.1), calls(20, fallbacks=3), "3 fallbacks in 20 calls, more than 10.0%"),
        (HoldRule(20, p95_ms=100), calls(20, ms=150), "p95 of 150 ms in 20 calls, more than 100 ms"),
        (HoldRule(20, error_rate=0.0), calls(20, errors=1), "1 errors in 20 calls, more than 0.0%"),
    ],
)
def test_a_rule_that_is_exceeded_is_named_with_its_figures(rule: HoldRule, given: list[ArmCall], said: str) -> None:
    assert counts_of(rule, given).breach() == said


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (HoldRule(20, error_rate=0.05), calls(19, errors=19)),
        (HoldRule(20, error_rate=0.05), calls(20, errors=1)),
        (HoldRule(20), calls(40, errors=40, fallbacks=40, ms=9_999)),
    ],
)
def test_too_few_calls_and_what_just_reaches_a_rule_break_nothing(rule: HoldRule, given: list[ArmCall]) -> None:
    assert counts_of(rule, given).breach() == ""


def test_what_went_well_for_long_hides_nothing_that_goes_wrong_now() -> None:
    counts = counts_of(HoldRule(50, error_rate=0.05), calls(5_000))
    assert counts.breach() == ""
    for each in calls(11, errors=11):
        counts.add(each)
    assert counts.breach() == "11 errors in 200 calls, more than 5.0%"


def test_what_went_wrong_long_ago_is_forgotten() -> None:
    counts = counts_of(HoldRule(50, error_rate=0.05), calls(11, errors=11) + calls(300))
    assert counts.breach() == ""


def test_p95_is_the_time_that_95_of_100_stay_within() -> None:
    assert (p95_of(range(1, 101)), p95_of([7.0]), p95_of([])) == (95, 7.0, 0.0)
