"""`ascend workflow list`."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.workflow.opened import open_work, tenant_option
from server.config.settings import Settings


@click.command()
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str, as_json: bool) -> None:
    """List the workflows that can be started: those that the gateway brings along, and those that the tenant defined."""
    async with open_work(settings, tenant) as opened:
        people = {each.name for each in await opened.work.registry.for_people(tenant)}
        rows = [
            {"workflow": each.name, "version": each.version, "for": "people" if each.name in people else "operators", "title": each.title}
            for each in await opened.work.registry.of(tenant)
        ]
    print_rows(rows, as_json=as_json, empty="there are no workflows")
