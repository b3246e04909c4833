"""`ascend workflow cancel`."""

import json

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.terminal import say
from server.commands.workflow.opened import open_work, tenant_option
from server.config.settings import Settings


@click.command()
@click.argument("run_id")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, run_id: str, tenant: str, as_json: bool) -> None:
    """End the run RUN_ID before its next step; the step under way ends first, and what was done stays."""
    async with open_work(settings, tenant) as opened:
        is_cancelled = await opened.work.workflows.cancel(tenant, run_id)
    if as_json:
        click.echo(json.dumps({"run_id": run_id, "cancelled": is_cancelled}))
    else:
        say(f"run {run_id} " + ("ends before its next step" if is_cancelled else "had ended"))
