"""Runs as callers see them, over every door."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tools.context_plane.times import time_text
from tools.operation import Failure, Json

if TYPE_CHECKING:
    from tools.workflows.stores import RunView, StepView

MAX_STEPS_SHOWN = 200


def run_summary(view: "RunView") -> dict[str, Json]:
    """Return a run as lists show it."""
    shown: dict[str, Json] = {
        "run_id": view.run_id,
        "workflow": view.workflow,
        "state": view.state,
        "started_by": view.started_by,
        "created_at": time_text(view.created_at_us),
        "updated_at": time_text(view.updated_at_us),
    }
    if view.failure is not None:
        shown["failure"] = failure_shown(view.failure)
    return shown


def run_whole(view: "RunView", step: str | None = None) -> dict[str, Json]:
    """Return a run with its steps, the latest MAX_STEPS_SHOWN of them; with the result of `step` alone, or the run's own."""
    steps = view.steps[-MAX_STEPS_SHOWN:]
    shown = run_summary(view) | {
        "version": view.version,
        "given": dict(view.given),
        "attempts": view.attempts,
        "result": view.result,
        "steps": [step_shown(each) for each in steps],
    }
    if len(view.steps) > len(steps):
        shown["steps_before"] = len(view.steps) - len(steps)
    if view.trace_id:
        shown["trace_id"] = view.trace_id
    if step is not None:
        shown["step_result"] = next((each.result for each in view.steps if each.name == step), None)
    return shown


def step_shown(step: "StepView") -> Mapping[str, Json]:
    shown: dict[str, Json] = {
        "name": step.name,
        "state": step.state,
        "attempts": step.attempts,
        "started_at": time_text(step.started_at_us),
        "ended_at": time_text(step.ended_at_us),
    }
    if step.failure is not None:
        shown["failure"] = failure_shown(step.failure)
    return shown


def failure_shown(failure: Failure) -> Mapping[str, Json]:
    return {"code": failure.code, "message": failure.message, "hint": failure.hint, "faults": list(failure.faults)}
