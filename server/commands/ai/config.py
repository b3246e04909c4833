"""`ascend ai config`: what is in force."""

import json

import click

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.times import shown_time
from server.config.settings import Settings
from server.storage.store import open_store
from tools.versioned_documents.versions import version_json
from tools.versioned_documents.write_toml import write_toml


@click.command()
@click.option("--version", "number", type=click.IntRange(1), default=None, help="This version instead of the newest.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, number: int | None, as_json: bool) -> None:
    """Print the configuration in force, as a file that `ascend ai apply` takes."""
    async with open_store(settings) as store:
        found = await store.ai_configs.newest() if number is None else await store.ai_configs.version(number)
    if found is None:
        raise CommandFailed(f"no version {number}; `ascend ai config` shows the newest, and the last hundred are kept")
    if as_json:
        click.echo(json.dumps(version_json(found), indent=2, ensure_ascii=False))
        return
    if found.version == 0:
        click.echo("# version 0: nothing was applied yet, what is built in holds; `ascend ai models` shows it")
        return
    click.echo(f"# version {found.version}, applied {shown_time(found.at_us)} by {found.by}\n{write_toml(found.document)}")
