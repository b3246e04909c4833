"""`ascend workflow runs`."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.workflow.opened import open_work, tenant_option
from server.commands.workflow.run_shown import run_row
from server.config.settings import Settings
from tools.workflows.stores import RunState, RunView

STATES: tuple[RunState, ...] = ("queued", "running", "waiting", "succeeded", "failed", "cancelled")


@click.command()
@click.argument("workflow", required=False)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only runs in this state; may be given several times.")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, workflow: str | None, states: tuple[RunState, ...], limit: int, tenant: str, as_json: bool) -> None:
    """List the runs of a tenant, or those of WORKFLOW, the newest first."""
    found: list[RunView] = []
    async with open_work(settings, tenant) as opened:
        cursor: str | None = None
        while len(found) < limit:
            page = await opened.work.workflows.runs(tenant, workflow=workflow, states=states, limit=limit - len(found), cursor=cursor)
            found += page.runs
            if (cursor := page.next_cursor) is None:
                break
        people = {each.subject_id: each.email or each.subject_id for each in await opened.store.subjects.of_tenant(tenant)}
    print_rows([run_row(view, people) for view in found], as_json=as_json, empty="no runs; `ascend workflow start` starts one")
