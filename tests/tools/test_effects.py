"""What a failure says of whether something went out."""

import pytest

from tests.tools.stand_ins import operation
from tools.effects import UNSURE, may_have_taken_effect, told
from tools.errors import Busy, NotRead, QuotaExceeded, ToolError
from tools.operation import Failure, Outcome
from tools.quotas import keys_exceeded, not_kept

LATE = QuotaExceeded("kept answers of one person", "wait")


@pytest.mark.parametrize("error", [Busy("the origin"), keys_exceeded(3, in_tenant=False), keys_exceeded(3, in_tenant=True), LATE])
def test_no_room_always_means_that_nothing_was_sent(error: ToolError) -> None:
    outcome = Outcome("error", error=error.failure)
    assert not may_have_taken_effect(outcome)
    assert told(operation("crm.notes.create", access="write"), outcome) is outcome


@pytest.mark.parametrize("failure", [NotRead().failure, not_kept(LATE, "its answer is lost")])
def test_an_answer_that_could_not_be_read_or_kept_was_an_answer(failure: Failure) -> None:
    """So something was sent, under a code of its own, and nobody is asked to send it again."""
    outcome = Outcome("error", error=failure)
    assert may_have_taken_effect(outcome)
    shown = told(operation("crm.notes.create", access="write"), outcome).error
    assert shown is not None
    assert not shown.retryable
    assert UNSURE in (shown.hint or "")
    assert shown.code not in ("busy", "quota_exceeded")
