"""`ascend workflow remove-definition`: a workflow that nobody is to start any more."""

import json

import click

from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.user import known_tenant
from server.commands.workflow.opened import tenant_option
from server.config.settings import Settings
from server.storage.store import open_store


@click.command("remove-definition")
@click.argument("name")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str, as_json: bool) -> None:
    """Remove the workflow NAME with all its versions. Runs that have not ended fail; what ended stays on record."""
    required_data(settings)
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        if not await store.definitions.remove(tenant, name):
            raise CommandFailed(f"no workflow {name!r} is defined in tenant {tenant!r}; `ascend workflow definitions` shows all")
    click.echo(json.dumps({"workflow": name, "removed": True}) if as_json else f"{name} is removed")
