"""What durable work refuses, and how it ends.

WorkflowRefused(ToolError)   code, message, hint, faults: nothing was started or changed
StepFailed                   a step whose attempts are used up
PermanentFault               raised by a step: to try again would change nothing
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from tools.errors import ToolError
from tools.operation import Failure, Json

WorkflowCode = Literal["invalid_arguments", "invalid_workflow", "not_found", "conflict", "too_large", "rate_limited", "quota_exceeded"]


class WorkflowRefused(ToolError):
    """Nothing was started or changed. `faults`: [{path, value, rule, example}], all of them."""

    def __init__(
        self,
        code: WorkflowCode,
        message: str,
        hint: str | None = None,
        faults: Sequence[Mapping[str, Json]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(Failure(code, message, hint=hint, faults=tuple(faults), retry_after_s=retry_after_s))


class StepFailed(Exception):
    """The step's attempts are used up; `failure` is the last of them, and what `show` tells."""

    def __init__(self, step: str, failure: Failure) -> None:
        super().__init__(f"step '{step}': {failure.message}")
        self.step, self.failure = step, failure


class PermanentFault(Exception):
    """To try again would change nothing: the step fails at once."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def no_such_run(run_id: str) -> WorkflowRefused:
    """Return the one answer for ids of other tenants, unknown ones and ones that are gone."""
    return WorkflowRefused("not_found", f"there is no run '{run_id[:200]}'", "list them with workflow_list")
