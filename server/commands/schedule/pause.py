"""`ascend schedule pause`."""

import json

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.terminal import say
from server.config.settings import Settings


@click.command()
@click.argument("name")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str, as_json: bool) -> None:
    """Keep the schedule NAME from starting anything, until `ascend schedule resume`; what it started goes on."""
    async with open_schedules(settings, tenant) as scheduled:
        await scheduled.schedules.pause(tenant, name)
    if as_json:
        click.echo(json.dumps({"name": name, "paused": True}))
    else:
        say(f"schedule {name!r} is paused")
