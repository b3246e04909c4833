"""`ascend schedule remove`."""

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
    """Remove the schedule NAME; what it started goes on, and what became of its slots stays on record.

    One that the gateway brought and somebody changed becomes again what it was.
    """
    async with open_schedules(settings, tenant) as scheduled:
        is_gone = await scheduled.schedules.remove(tenant, name)
    if as_json:
        click.echo(json.dumps({"name": name, "removed": is_gone}))
    else:
        say(f"schedule {name!r} is removed" if is_gone else f"schedule {name!r} is again the one that comes with the gateway")
