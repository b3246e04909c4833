"""`ascend workflow show`."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.workflow.opened import open_work, tenant_option
from server.commands.workflow.run_shown import ended, show_run
from server.config.settings import Settings
from tools.workflows.errors import no_such_run


@click.command()
@click.argument("run_id")
@click.option("--step", default=None, metavar="NAME", help="With the result of this step.")
@click.option("--wait", is_flag=True, help="Until it has ended; says how far it is.")
@click.option("--timeout", "timeout_s", default=600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds to wait at most.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, run_id: str, step: str | None, wait: bool, timeout_s: int, tenant: str, as_json: bool) -> None:
    """Show the run RUN_ID: its state, its steps with attempts and failures, its result."""
    async with open_work(settings, tenant) as opened:
        view = await opened.work.workflows.show(tenant, run_id)
        if view is None:
            raise no_such_run(run_id)
        if wait:
            view = await ended(opened.work.workflows, tenant, run_id, timeout_s)
    show_run(view, step, as_json=as_json)
