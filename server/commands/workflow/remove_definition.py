"""`ascend workflow remove-definition`: a workflow that nobody is to start any more."""

import json

import click

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.workflow.opened import tenant_option
from server.config.settings import Settings


@click.command("remove-definition")
@click.argument("name")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str, as_json: bool) -> None:
    """Remove the workflow NAME with all its versions. Runs that have not ended fail; what ended stays on record."""
    async with open_tenant(settings, tenant) as store:
        if not await store.durable.definitions.remove(tenant, name):
            raise CommandFailed(f"no workflow {name!r} is defined in tenant {tenant!r}; `ascend workflow definitions` shows all")
    click.echo(json.dumps({"workflow": name, "removed": True}) if as_json else f"{name} is removed")
