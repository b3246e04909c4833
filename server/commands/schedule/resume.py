"""`ascend schedule resume`."""

import json

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.schedule.opened import open_schedules, tenant_option
from server.commands.terminal import say
from server.commands.times import shown_time
from server.config.settings import Settings


@click.command()
@click.argument("name")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str, as_json: bool) -> None:
    """Let the schedule NAME go on with its next slot; those of the pause are not made up for."""
    async with open_schedules(settings, tenant) as scheduled:
        schedule = await scheduled.schedules.resume(tenant, name)
    if as_json:
        click.echo(json.dumps({"name": name, "paused": False, "next": shown_time(schedule.next_at_us)}))
    else:
        say(f"schedule {name!r} comes next at {shown_time(schedule.next_at_us)}")
