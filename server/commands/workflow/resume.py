"""`ascend workflow resume`."""

import json

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.terminal import say
from server.commands.workflow.opened import open_work, tenant_option
from server.config.settings import Settings


@click.command()
@click.argument("run_id")
@click.option("--again", multiple=True, metavar="STEP", help="A step that runs once more although it succeeded; may be repeated.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, run_id: str, again: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """Let the run RUN_ID, which failed or was cancelled, go on where it stopped."""
    async with open_work(settings, tenant) as opened:
        await opened.work.workflows.resume(tenant, run_id, again=again)
    if as_json:
        click.echo(json.dumps({"run_id": run_id, "state": "queued", "again": list(again)}))
    else:
        say(f"run {run_id} goes on; `ascend workflow show {run_id}` shows how far it is")
