"""`ascend upgrade`: bring the store to this version; with --check only say what that would do."""

import json
import shutil
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import anyio
import click

from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.terminal import say
from server.config.settings import Settings
from server.config_versions.read_document import read_document
from server.storage.config_versions import SqlConfigVersions
from server.storage.copies.sqlite_copy import sqlite_file
from server.storage.database import Database, StoreUnavailable
from server.storage.migrate import HISTORY, STATE, Migrations, SchemaState, state_of
from server.storage.store import history_url, open_store
from tools.versioned_documents.faults import ConfigInvalid

#: since which revision of the store there is a configuration
_HAS_CONFIG = "0035"


@click.command()
@click.option("--check", "only_checks", is_flag=True, help="Only say what would be done; nothing is changed.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, only_checks: bool, as_json: bool) -> None:
    """Bring the store to this version, as `ascend serve` does at its start; a SQLite store is copied first.

    --check says which steps are ahead, whether there is room for the copy, and what of the configuration this version would refuse; exit
    code 1: it cannot be done as things stand.
    """
    required_data(settings)
    states = {name: await _state(url, migrations) for name, url, migrations in _parts(settings)}
    troubles = [trouble async for trouble in _troubles(settings, states)]
    if not only_checks and not troubles:
        async with open_store(settings):
            pass
    if as_json:
        rows: dict[str, Any] = {
            name: {"revision": each.revision, "newest": each.newest, "steps": each.missing} for name, each in states.items()
        }
        click.echo(
            json.dumps({"version": version("ascend-gateway"), **rows, "troubles": troubles, "done": not only_checks and not troubles})
        )
    else:
        for name, state in states.items():
            say(f"{name}: {_in_words(state)}")
    if troubles:
        raise CommandFailed("; ".join(troubles))
    if not as_json:
        say(f"this is version {version('ascend-gateway')}: " + ("it can take over" if only_checks else "the store is its own"))


def _parts(settings: Settings) -> list[tuple[str, str, Migrations]]:
    return [("store", settings.store.database_url, STATE), ("history", history_url(settings), HISTORY)]


async def _state(url: str, migrations: Migrations) -> SchemaState:
    if url.startswith("sqlite") and not await anyio.Path(sqlite_file(url)).is_file():
        return SchemaState(None, migrations.newest(), tuple(migrations.names()))
    try:
        return await state_of(url, migrations)
    except StoreUnavailable as error:
        raise CommandFailed("the store does not answer; start the database, or correct ASCEND_DATABASE_URL") from error


async def _troubles(settings: Settings, states: dict[str, SchemaState]) -> AsyncIterator[str]:
    """Yield what is in the way, each with the way out."""
    for name, state in states.items():
        # Nodes of the version that is there go on while this one takes over, unless a step took away what they read.
        if state.is_newer:
            yield (
                f"the {name} is of a newer version (revision {state.revision}; this one knows {state.newest}); "
                "install that version again, or restore a backup of before into another directory"
            )
    store, url = states["store"], settings.store.database_url
    if store.missing and url.startswith("sqlite"):
        size, free = sqlite_file(url).stat().st_size, shutil.disk_usage(settings.data_dir).free
        if size > free:
            yield f"{settings.data_dir} has {free >> 20} MiB free, and the copy of before takes {size >> 20} MiB; make room"
    if not store.is_newer and (store.revision or "") >= _HAS_CONFIG:
        for fault in await _config_faults(url):
            yield f"the configuration: {fault}; apply one without it (`ascend config apply`)"


async def _config_faults(url: str) -> list[str]:
    """Return what this version would refuse of the configuration in force, and then leaves as it is built in."""
    database = Database(url)
    try:
        read_document(dict((await SqlConfigVersions(database).newest()).document))
    except ConfigInvalid as invalid:
        return [str(fault) for fault in invalid.faults]
    finally:
        await database.close()
    return []


def _in_words(state: SchemaState) -> str:
    if not state.missing:
        ahead = ", of a newer version that works with this one" if state.is_ahead and not state.is_newer else ""
        return f"revision {state.revision}" + (ahead or ("" if state.is_newer else ", nothing to do"))
    steps = ", ".join(name[6:].replace("_", " ") for name in state.missing[-5:])
    more = "" if len(state.missing) <= 5 else f" and {len(state.missing) - 5} before them"
    return f"from revision {state.revision or 'none'} to {state.newest}: {steps}{more}"
