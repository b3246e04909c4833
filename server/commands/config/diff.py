"""`ascend config diff`: what differs between two versions, or a version and a file."""

import json
from collections.abc import Mapping

import click

from server.commands.config.opened import changes_of, read_file
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.config.settings import Settings
from server.storage.store import Store, open_store
from tools.operation import Json
from tools.versioned_documents.differences import differences
from tools.versioned_documents.versions import NoSuchVersion


@click.command()
@click.argument("old")
@click.argument("new", required=False)
@json_option
@with_settings
@run_async
async def command(settings: Settings, old: str, new: str | None, as_json: bool) -> None:
    """Say what changes from OLD to NEW, each the number of a version or a FILE; nothing is changed by it.

    With one of them: from version OLD to what is in force, or from what is in force to FILE.
    """
    async with open_store(settings) as store:
        if new is None:
            newest = (await store.config_versions.newest()).document
            sides = (await _side(settings, store, old), newest) if old.isdecimal() else (newest, await _side(settings, store, old))
        else:
            sides = (await _side(settings, store, old), await _side(settings, store, new))
    lines = differences(*sides)
    if as_json:
        click.echo(json.dumps({"changes": lines}, indent=2))
        return
    for line in lines:
        say(line)
    if not lines:
        say("nothing differs")


async def _side(settings: Settings, store: Store, what: str) -> Mapping[str, Json]:
    """Return the document of a version, or of a file, checked."""
    if what.isdecimal():
        try:
            return (await changes_of(settings, store).kept(int(what))).document
        except NoSuchVersion as error:
            raise CommandFailed(str(error)) from error
    try:
        with click.open_file(what, "rb") as file:
            document: Mapping[str, Json] = read_file(file)
    except OSError as error:
        raise click.UsageError(f"{what!r} is no version's number, and no file that can be read: {error.strerror}") from error
    return document
