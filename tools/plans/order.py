"""Whether a step runs, by what became of those that it waits for: the same for a plan at once and for one that is stored."""

from collections.abc import Mapping

from tools.operation import Json
from tools.plans.plan import Step
from tools.plans.step_result import StepResult


def passed_over(step: Step, steps: Mapping[str, Step], results: Mapping[str, StepResult]) -> StepResult | None:
    """Return why `step` does not run; None: nothing before it says so. All that it waits for has its result."""
    for other in sorted(step.waits_for & steps.keys()):
        result = results[other]
        if result.state in ("dropped", "waiting"):
            return StepResult("dropped", reason=f"'{other}' did not run")
        if result.connection is not None:
            return StepResult("waiting", reason=f"'{other}' waits for an account to be connected")
        if result.state == "failed" and steps[other].on_error == "skip" and not steps[other].is_mapped:
            return StepResult("dropped", reason=f"'{other}' failed")
        if result.state == "skipped" and other in step.needs:
            return StepResult("skipped", reason=f"'{other}' was skipped")
    return None


def is_true(found: Json) -> bool:
    """Say whether JMESPath takes a value for true: 0 is, an empty list is not."""
    return not (found is None or found is False or found in ("", [], {}))
