"""`ascend ai rollback`: back to a version of before."""

import json

import click

from server.commands.ai.apply import BY
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.refused_file import RefusedFile
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing
from tools.versioned_documents.faults import ConfigInvalid


@click.command()
@click.argument("number", type=click.IntRange(1))
@json_option
@with_settings
@run_async
async def command(settings: Settings, number: int, as_json: bool) -> None:
    """Put version NUMBER in force again, as the next version; held experiments stay held."""
    async with open_store(settings) as store:
        try:
            tenants = [tenant.tenant_id for tenant in await store.tenants.all()]
            now = await ConfigChanges(store.ai_configs, tenants).roll_back(number, BY)
        except NoSuchThing as error:
            raise CommandFailed(str(error)) from error
        except ConfigInvalid as error:
            raise RefusedFile(f"version {number}", error.faults) from error
    if as_json:
        click.echo(json.dumps({"version": now.version, "same_as": number}))
        return
    say(f"version {now.version} is in force, the same as version {number}; running gateways follow within two seconds")
