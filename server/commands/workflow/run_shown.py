"""A run on a terminal: its row, its steps, and waiting for its end."""

import json
import time
from collections.abc import Mapping

import anyio
import click

from server.commands.frame import CommandFailed
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.commands.times import shown_time
from tools.builtins.workflows.run_shown import run_whole
from tools.workflows.stores import ENDED, RunView, StepView, Workflows

#: between two looks
LOOK_S = 0.2
#: nobody has taken the run by then: probably nobody is there
UNTAKEN_S = 2.0


def run_row(view: RunView, people: Mapping[str, str]) -> dict[str, object]:
    """Return a run as lists show it; `people`: subject -> e-mail address."""
    return {
        "run_id": view.run_id,
        "state": view.state,
        "as": people.get(view.acts_for, view.acts_for),
        "by": view.started_by,
        "started": shown_time(view.created_at_us),
        "updated": shown_time(view.updated_at_us),
        "failure": view.failure.message if view.failure else None,
    }


def show_run(view: RunView, step: str | None, *, as_json: bool) -> None:
    """Print a run with its steps, and the result of `step` or of the run."""
    if as_json:
        click.echo(json.dumps(run_whole(view, step), indent=2))
        return
    trace = f", trace {view.trace_id}" if view.trace_id else ""
    say(f"{view.run_id}: {view.state}, version {view.version or 'not begun'}, taken {view.attempts} times{trace}")
    print_rows([_step_row(each) for each in view.steps], as_json=False, empty="no step is on record yet")
    if view.failure is not None:
        say(f"failed: {view.failure.message}" + (f"; {view.failure.hint}" if view.failure.hint else ""))
    result = next((each.result for each in view.steps if each.name == step), None) if step else view.result
    if result is not None:
        click.echo(json.dumps(result, indent=2))


def _step_row(step: StepView) -> dict[str, object]:
    took_us = None if step.ended_at_us is None or step.started_at_us is None else step.ended_at_us - step.started_at_us
    return {
        "step": step.name,
        "state": step.state,
        "attempts": step.attempts,
        "began": shown_time(step.started_at_us),
        "took_s": None if took_us is None else round(took_us / 1e6, 3),
        "failure": step.failure.message if step.failure else None,
    }


async def ended(workflows: Workflows, tenant: str, run_id: str, timeout_s: float) -> RunView:
    """Wait until a run has ended, and say on standard error how far it is. Raises CommandFailed."""
    seen: set[str] = set()
    began_at = time.monotonic()
    while True:
        view = await workflows.show(tenant, run_id)
        if view is None:
            raise CommandFailed(f"run {run_id} is not there any more")
        for line in (f"run {run_id} is {view.state}", *(f"{step.name}: {step.state}" for step in view.steps)):
            if line not in seen:
                seen.add(line)
                say(line, err=True)
        if view.state in ENDED:
            return view
        waited_s = time.monotonic() - began_at
        if waited_s > UNTAKEN_S and view.attempts == 0 and "untaken" not in seen:
            seen.add("untaken")
            say("no gateway has taken it yet; is one running? `ascend serve` starts it, and the run waits for it", err=True)
        if waited_s > timeout_s:
            raise CommandFailed(f"run {run_id} has not ended after {timeout_s:g} s; it goes on, and `ascend workflow show` shows its end")
        await anyio.sleep(LOOK_S)
