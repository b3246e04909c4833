"""What an attempt failed with, whether it is tried again, and when."""

import random

import pytest

from tools.errors import Busy, ToolError
from tools.operation import Failure
from tools.workflows.engine.attempt_failures import LONGEST_RETRY_AFTER_S, failed, wait_s
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.run import Retry

LATER = Failure("rate_limited", "slow down", retryable=True, retry_after_s=40.0)


@pytest.mark.parametrize(
    ("error", "is_permanent"),
    [
        (PermanentFault(LATER), True),
        (StepFailed("inner", LATER), True),
        (ToolError(Failure("invalid_arguments", "no")), True),
        (ToolError(LATER), False),
        (ToolError(Failure("upstream_error", "it said when", retry_after_s=1.0)), False),
        (Busy("the parser"), False),
        (ValueError("sk-secret"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_is_refused_for_good_is_not_tried_again(error: Exception, is_permanent: bool) -> None:
    assert failed(error, "step").is_permanent is is_permanent
    assert "sk-secret" not in failed(error, "step").failure.message


def test_waits_double_up_to_the_longest_and_are_spread() -> None:
    retry, dice = Retry(attempts=9, first_s=2.0, longest_s=60.0), random.Random(1)
    for attempts, planned_s in ((1, 2.0), (2, 4.0), (3, 8.0), (7, 60.0), (900, 60.0)):
        waits = {wait_s(retry, attempts, Failure("x", "x"), dice) for _ in range(50)}
        assert planned_s * 0.5 <= min(waits) < planned_s * 0.8
        assert planned_s * 1.2 < max(waits) <= planned_s * 1.5


def test_retry_after_is_heeded_within_a_day() -> None:
    """RFC 9110 §10.2.3."""
    retry, dice = Retry(attempts=9, first_s=1.0, longest_s=2.0), random.Random(1)
    assert wait_s(retry, 1, LATER, dice) == 40.0
    next_month = Failure("rate_limited", "next month", retry_after_s=30 * 86_400.0)
    assert wait_s(retry, 1, next_month, dice) == LONGEST_RETRY_AFTER_S
