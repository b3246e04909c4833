"""One run in hand: its body runs until it ends, only waits, or is to stop; what became of it is then on record."""

import logging
from dataclasses import replace

import anyio

from tools.errors import ToolError
from tools.operation import Failure
from tools.workflows.engine.activity import Activity
from tools.workflows.engine.durable_run import DurableRun, Surroundings
from tools.workflows.engine.json_result import encoded
from tools.workflows.engine.records import Claim, Ending
from tools.workflows.engine.run_store import RunLost
from tools.workflows.errors import PermanentFault, StepFailed
from tools.workflows.workflow import Workflow

log = logging.getLogger("ascend.workflows")

#: a run that only waits keeps its place for so long; what goes on sooner is waited for in memory
LINGER_S = 1.0


async def run_in_hand(claim: Claim, workflow: Workflow, activity: Activity, around: Surroundings) -> Ending | None:
    """Run the body and put what became of the run on record; return how it ended, None where it did not."""
    claim = replace(claim, version=workflow.version)
    ending: Ending | None = None
    if claim.is_cancelled:
        activity.stop("cancelled")
    run = DurableRun(claim, workflow, activity, around)
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_when_idle, activity, around)
        group.start_soon(run.show_long_steps)
        with activity.scope:
            ending = await _ran(run, workflow, claim)
        group.cancel_scope.cancel()
    store, why = around.store, activity.why
    try:
        if ending is None and isinstance(why, Ending):
            ending = why
        elif ending is None and why == "cancelled":
            ending = Ending("cancelled")
        if ending is not None and why != "lost":
            return await store.end(claim, ending)
        if why == "idle":
            await store.put_down(claim, round(activity.put_down_until_us), activity.put_down_for)
        elif why in ("making_way", "shutdown"):
            await store.give_back([claim])
    except RunLost:
        pass  # Another process has it by now; what it does is on record there.
    return None


async def _ran(run: DurableRun, workflow: Workflow, claim: Claim) -> Ending:
    try:
        return Ending("succeeded", encoded(await workflow.body(run, claim.given), "the run"))
    except Exception as error:
        return Ending("failed", failure=_failure(error, claim))


def _failure(error: Exception, claim: Claim) -> Failure:
    """Say why a body ended with an exception; of those of steps side by side, the first."""
    first: BaseException = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, StepFailed):
        return replace(first.failure, message=str(first))
    if isinstance(first, PermanentFault | ToolError):
        return first.failure
    log.error("workflow_body_raised", exc_info=error, extra={"facts": {"workflow": claim.workflow, "run_id": claim.run_id}})
    kind = type(first).__name__
    return Failure("internal_error", f"the body of the workflow raised {kind}", hint="the log of the gateway has the reason")


async def _stop_when_idle(activity: Activity, around: Surroundings) -> None:
    """Stop a body that has nothing but waits before it, for longer than it is worth keeping."""
    while True:
        if not activity.is_idle:
            await activity.changed()
            continue
        with anyio.move_on_after(LINGER_S):
            await activity.changed()
            continue
        if activity.wakes_at_us - around.clock_us() > LINGER_S * 1_000_000:
            activity.put_down()
            return
        await activity.changed()
