"""`ascend schedule run`."""

import json
import time

import anyio
import click

from server.assembly.workflows.schedules import ScheduledWork
from server.audited import unaudited
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.schedule.rows import run_row, say_report
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.database import now_us
from tools.workflows.errors import WaitsForConnection
from tools.workflows.schedules.schedule import ScheduleRun, ended

#: between two looks
LOOK_S = 0.2
#: nobody has taken the run by then: probably nobody is there
UNTAKEN_S = 2.0
#: a gateway sees within it that somebody connected an account just now
CONNECTED_S = 5.0


@click.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Until it has ended; says how far it is, and shows its report.")
@click.option("--timeout", "timeout_s", default=600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds to wait at most.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, wait: bool, timeout_s: int, tenant: str, as_json: bool) -> None:
    """Start the workflow of the schedule NAME now, paused or not; its slots stay where they are. A running gateway does the work."""
    async with open_schedules(settings, tenant) as scheduled:
        run = await _begun(scheduled, tenant, name, CONNECTED_S if wait else 0.0)
        if wait:
            run = await _ended(scheduled, run, timeout_s)
    if as_json:
        click.echo(json.dumps(run_row(run) | {"run": run.run_id, "report": run.report}, indent=2))
    elif run.report is not None:
        say_report(run.report)
    elif not wait:
        say(f"run {run.run_id} is started; `ascend schedule runs {name}` shows how it ends")
    if run.state not in ("started", "succeeded"):
        raise CommandFailed(f"schedule {name!r}: its run is {run.state}" + (f": {run.reason}" if run.reason else ""))
    if wait and run.report is None and not as_json:
        say(f"run {run.run_id} has succeeded")


async def _begun(scheduled: ScheduledWork, tenant: str, name: str, patience_s: float) -> ScheduleRun:
    """Start a run, with patience where it waits for an account that a gateway may be about to see. Raises WorkflowRefused."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return await scheduled.schedules.start(tenant, name)
        except WaitsForConnection:
            if time.monotonic() > until:
                raise
        await anyio.sleep(LOOK_S)


async def _ended(scheduled: ScheduledWork, run: ScheduleRun, timeout_s: int) -> ScheduleRun:
    """Wait until a run has ended, and say on standard error how far it is. Raises CommandFailed."""
    seen: set[str] = set()
    begun_at = time.monotonic()
    while True:
        view = await scheduled.store.durable.run_records.show(run.tenant_id, run.run_id)
        steps = [f"{step.name}: {step.state}" for step in view.steps] if view else []
        for line in [f"run {run.run_id} is {view.state}" if view else "", *steps]:
            if line and line not in seen:
                seen.add(line)
                say(line, err=True)
        if (how := ended(run, view, now_us())) is not None:
            with unaudited():
                await scheduled.store.durable.schedules.end(run, *how)
            return await scheduled.store.durable.schedules.run(run.tenant_id, run.name, run.slot_us) or run
        waited_s = time.monotonic() - begun_at
        if waited_s > UNTAKEN_S and view is not None and view.attempts == 0 and "untaken" not in seen:
            seen.add("untaken")
            say("no gateway has taken it yet; is one running? `ascend serve` starts it, and the run waits for it", err=True)
        if waited_s > timeout_s:
            raise CommandFailed(f"run {run.run_id} has not ended after {timeout_s} s; it goes on, and `ascend schedule runs` shows its end")
        await anyio.sleep(LOOK_S)
