"""What an attempt of a step failed with, whether to try again, and when."""

import logging
import random
from typing import NamedTuple

from tools.errors import ToolError
from tools.operation import Failure
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.run import Retry

log = logging.getLogger("ascend.workflows")

#: nobody waits for an upstream that says "next month"
LONGEST_RETRY_AFTER_S = 24 * 3600.0


class AttemptFailed(NamedTuple):
    failure: Failure
    is_permanent: bool


def failed(error: Exception, step: str, timeout_s: float | None = None) -> AttemptFailed:
    """Say what an exception of a step comes to. What is nobody's refusal is told by its kind alone: its words may hold a secret."""
    if isinstance(error, PermanentFault | StepFailed):
        return AttemptFailed(error.failure, is_permanent=True)
    if isinstance(error, ToolError):
        # What the door or an upstream refused for good: only they know.
        return AttemptFailed(error.failure, not error.failure.retryable and error.failure.retry_after_s is None)
    if isinstance(error, TimeoutError) and timeout_s is not None:
        return AttemptFailed(Failure("timeout", f"the step took longer than {timeout_s:g} s", retryable=True), is_permanent=False)
    log.error("workflow_step_raised", exc_info=error, extra={"facts": {"step": step}})
    kind = type(error).__name__
    return AttemptFailed(Failure("internal_error", f"the step raised {kind}", hint="the log of the gateway has the reason"), False)


def wait_s(retry: Retry, attempts: int, failure: Failure, dice: random.Random) -> float:
    """Return how long to wait after `attempts` that failed: doubled each time, times 0.5 to 1.5; never less than Retry-After."""
    planned = min(retry.longest_s, retry.first_s * 2.0 ** min(attempts - 1, 30)) * dice.uniform(0.5, 1.5)
    # RFC 9110 §10.2.3
    return max(planned, min(failure.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S))
