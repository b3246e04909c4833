"""Dry run of a plan: what would be sent, as far as it is known before anything has answered."""

from tools.dispatch.wire import failure_to_wire
from tools.operation import Call, CallOptions, Json, Outcome
from tools.plans.check import CheckedPlan
from tools.plans.plan import Step


async def preview_plan(call: Call, checked: CheckedPlan) -> Outcome:
    """Return the waves in which steps could run, the exact request of each that needs no earlier answer, and what it would ask."""
    steps: dict[str, Json] = {}
    for step in checked.plan.steps:
        steps[step.id] = await _preview(call, checked, step)
    unready = {step.id: readiness for step, readiness in checked.unready}
    wire: dict[str, Json] = {
        "status": "completed",
        "dry_run": True,
        "steps": {
            step_id: step
            | ({"connection": {"provider": unready[step_id].provider, "status": unready[step_id].status}} if step_id in unready else {})
            for step_id, step in steps.items()
        },
        "waves": _waves(checked),
        "destructive": list(checked.confirmed_steps),
        "would_need_confirmation": bool(checked.confirmed_steps),
        "returned": None,
        "stats": {"calls": 0, "parallel": 0, "bytes_in": 0, "chars_out": 0},
        "note": "dry run: the plan is sound and nothing was sent",
        "trace_id": call.trace_id,
    }
    return Outcome("ok", data=wire, bare=True)


async def _preview(call: Call, checked: CheckedPlan, step: Step) -> dict[str, Json]:
    operation = checked.operation_by_step[step.id]
    shown: dict[str, Json] = {"ok": True, "api": operation.id, "access": operation.access}
    if step.waits_for:
        shown["after"] = sorted(step.waits_for)
    if step.is_mapped or step.args.placeholders:
        shown["args"] = step.args.value
        return shown
    outcome = await call.again(operation.id, step.args.as_it_is(), CallOptions(account=step.account, select=step.select, dry_run=True))
    if outcome.status == "ok" and isinstance(outcome.data, dict):
        shown["request"] = outcome.data.get("request")
        if outcome.notes:
            shown["notes"] = list(outcome.notes)
    elif outcome.error is not None:
        shown |= {"ok": False, "error": failure_to_wire(outcome.error)}
    return shown


def _waves(checked: CheckedPlan) -> list[list[str]]:
    """Return steps by how many others must come before: those of one wave could run side by side."""
    depth_by_step: dict[str, int] = {}
    left = list(checked.plan.steps)
    while left:
        ready = [step for step in left if all(other in depth_by_step for other in step.waits_for)]
        for step in ready:
            depth_by_step[step.id] = 1 + max((depth_by_step[other] for other in step.waits_for), default=-1)
        left = [step for step in left if step.id not in depth_by_step]
    waves: list[list[str]] = [[] for _ in range(1 + max(depth_by_step.values(), default=-1))]
    for step_id, depth in depth_by_step.items():
        waves[depth].append(step_id)
    return waves
