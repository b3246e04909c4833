"""`ascend config show`: what is in force."""

import itertools
import json
from dataclasses import asdict

import click
import orjson

from server.commands.config.opened import changes_of
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.commands.times import shown_time
from server.config.settings import Settings
from server.config_versions.config import Config
from server.config_versions.live import taken_of
from server.storage.store import open_store
from tools.versioned_documents.versions import NoSuchVersion, version_json
from tools.versioned_documents.write_toml import write_toml


@click.command()
@click.option("--version", "number", type=click.IntRange(0), default=None, help="This version instead of the newest.")
@click.option("--all", "shows_all", is_flag=True, help="What is built in, too.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, number: int | None, shows_all: bool, as_json: bool) -> None:
    """Print the configuration in force, as a file that `ascend config apply` takes."""
    async with open_store(settings) as store:
        try:
            found = await store.config_versions.newest() if number is None else await changes_of(settings, store).kept(number)
        except NoSuchVersion as error:
            raise CommandFailed(str(error)) from error
    document = found.document
    if shows_all:
        config, refused = taken_of(document, Config())
        document = orjson.loads(orjson.dumps(asdict(config)))
        for fault in itertools.chain.from_iterable(refused.values()):
            say(f"ascend: note: this release does not take {fault}", err=True)
    if as_json:
        click.echo(json.dumps({**version_json(found), "config": document}, indent=2, ensure_ascii=False))
        return
    when = f"version {found.version}, applied {shown_time(found.at_us)} by {found.by}" if found.version else "version 0: what is built in"
    click.echo(f"# {when}")
    click.echo(write_toml({section: entries for section, entries in document.items() if entries}), nl=False)
