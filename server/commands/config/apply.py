"""`ascend config apply`: put a file in force."""

import json
from typing import BinaryIO

import click

from server.commands.command_being_run import operating_system_user
from server.commands.config.opened import changes_of, read_file, refused
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import open_store
from tools.versioned_documents.differences import differences
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import VersionConflict


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--after", type=click.IntRange(0), default=None, help="Only where this version is in force: what you looked at.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, file: BinaryIO, dry_run: bool, after: int | None, as_json: bool) -> None:
    """Put FILE (TOML) in force as the next version of the configuration; `-` reads standard input.

    It replaces what was there: a section that FILE leaves out is as it is built in. Everything wrong with FILE is said at once, and then
    nothing changes; else running gateways follow within two seconds. Secrets are named as "vault:NAME".
    """
    document = read_file(file)
    async with open_store(settings) as store:
        changes = changes_of(settings, store)
        try:
            before = await store.config_versions.newest()
            if after is not None and before.version != after:
                raise VersionConflict(before.version)
            lines = differences(before.document, await changes.check(document))
            version = before.version if dry_run else (await changes.apply(document, operating_system_user(), after)).version
        except ConfigInvalid as error:
            raise refused(file.name, error) from error
        except VersionConflict as error:
            raise CommandFailed(str(error)) from error
    if as_json:
        click.echo(json.dumps({"version": version, "applied": not dry_run, "changes": lines}, indent=2))
        return
    if dry_run:
        for line in lines:
            say(line)
    if not lines:
        say(f"nothing changes; version {version} says the same")
    elif dry_run:
        say(f"{len(lines)} values would change; version {version} stays in force")
    else:
        say(f"version {version} is in force ({len(lines)} values changed); running gateways follow within two seconds")
