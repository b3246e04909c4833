"""`ascend schedule runs`."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.schedule.rows import run_row, say_report
from server.config.settings import Settings
from tools.workflows.workflow import is_workflow_name


@click.command()
@click.argument("name", required=False)
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 2_500), help="How many, the newest first.")
@click.option("--reports", is_flag=True, help="With what each run reports; of one schedule, the newest report is always shown.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str | None, limit: int, reports: bool, tenant: str, as_json: bool) -> None:
    """List what became of slots, of all schedules or of NAME: started, caught up with, skipped, how it ended, what it reports."""
    async with open_schedules(settings, tenant) as scheduled:
        is_name = name is None or is_workflow_name(name)
        found = await scheduled.store.durable.schedules.runs(tenant, name, limit) if is_name else ()
        if name is not None and not found:
            await scheduled.schedules.get(tenant, name)
    rows = [run_row(each) for each in found]
    if as_json:
        rows = [row | {"run": each.run_id or None, "report": each.report} for row, each in zip(rows, found, strict=True)]
    print_rows(rows, as_json=as_json, empty="nothing was started yet; `ascend schedule run NAME` starts one now")
    if as_json:
        return
    told = [each.report for each in found if each.report is not None]
    for report in told if reports else told[:1] if name is not None else ():
        click.echo()
        say_report(report)
