"""`ascend config rollback`: back to a version of before."""

import json

import click

from server.commands.command_being_run import operating_system_user
from server.commands.config.opened import changes_of, refused
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import open_store
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import NoSuchVersion


@click.command()
@click.argument("number", type=click.IntRange(0))
@json_option
@with_settings
@run_async
async def command(settings: Settings, number: int, as_json: bool) -> None:
    """Put version NUMBER in force again, as the next version; 0 is what is built in."""
    async with open_store(settings) as store:
        try:
            now = await changes_of(settings, store).roll_back(number, operating_system_user())
        except NoSuchVersion as error:
            raise CommandFailed(str(error)) from error
        except ConfigInvalid as error:
            raise refused(f"version {number}", error) from error
    if as_json:
        click.echo(json.dumps({"version": now.version, "same_as": number}))
        return
    say(f"version {now.version} is in force, the same as version {number}; running gateways follow within two seconds")
