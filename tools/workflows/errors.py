"""What durable work refuses, and how it ends.

WorkflowRefused(ToolError)   code, message, hint, faults: nothing was started or changed
  WaitsForConnection         the schedule reads for whoever has connected an account, and nobody has
RunsFull(ToolError)          a tenant's runs, or a person's, have as much on record as they may
StepFailed                   a step whose attempts are used up
PermanentFault               raised by a step: to try again would change nothing
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.quotas import MB

WorkflowCode = Literal["invalid_arguments", "invalid_workflow", "not_found", "conflict", "too_large", "rate_limited", "quota_exceeded"]

_FULL_HINT = (
    "runs are forgotten {days} days after their end, or sooner where the configuration says so (retention.runs_days): wait for that, "
    "and have steps keep what is large elsewhere and give its id"
)


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


class WaitsForConnection(WorkflowRefused):
    """The schedule reads for whoever has connected an account, and as far as it knows nobody has."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__("conflict", f"schedule '{name}' waits for an account of {title}", "connect one; it is there a moment later")


class RunsFull(ToolError):
    """A tenant's runs, or those of one person, have as much on record as they may: nothing was written."""

    def __init__(self, most_bytes: int, *, of_person: bool) -> None:
        whose = "that act for one person" if of_person else "of the whole tenant"
        message = f"runs {whose} have {most_bytes // MB:,} MB on record, of what they were given and gave, which is the quota"
        super().__init__(Failure("quota_exceeded", message, hint=_FULL_HINT.format(days=30)))


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
