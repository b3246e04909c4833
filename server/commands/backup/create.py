"""`ascend backup create`: make a backup now."""

from collections.abc import Sequence

import anyio.to_thread
import click

from server.backups.keys import load_keys
from server.backups.making import make_backup
from server.backups.places.place import BackupPlace
from server.commands.backup.opened import opened_place
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.config.backup_folder import NEWEST_FILE
from server.config.settings import Settings
from server.config_versions.live import config_in
from server.object_storage.errors import StorageRefused
from server.storage.copies.kept import KeptBackup, to_remove
from server.storage.store import open_store


@click.command()
@click.option("--lean", is_flag=True, help="Without the history of calls, which is most of the bytes.")
@click.option(
    "--keep-all",
    is_flag=True,
    help="Do not remove older ones: else as many stay as the configuration says: five, and one a month for a year.",
)
@json_option
@with_settings
@run_async
async def command(settings: Settings, lean: bool, keep_all: bool, as_json: bool) -> None:
    """Make a backup while the gateway runs; it is not held up."""
    required_data(settings)
    async with opened_place(settings) as place:
        keys = load_keys(settings.data_dir)
        if keys is None:
            raise CommandFailed("nobody could open a backup yet; `ascend backup init` makes the keys")
        with place.making() as folder, progress_bar("Copying") as shown:
            async with open_store(settings) as store:
                await store.audit_trail.note()
                retention = (await config_in(store.config_versions)).retention
                path = await anyio.to_thread.run_sync(lambda: make_backup(settings, keys, folder, is_lean=lean, progress=shown))
            made = await place.keep(path, shown)
        (settings.data_dir / NEWEST_FILE).touch()
        there = [] if keep_all else await place.backups(settings.store.environment)
        old = to_remove(there, retention.backups_weekly, retention.backups_monthly)
        held = await _remove(place, old)
    removed = len(old) - len(held)
    row = {"backup": made.at, "bytes": made.bytes, "removed": removed, "not_removed": len(held)}
    if as_json:
        print_rows([row], as_json=True, empty="")
        return
    click.echo(f"{made.at}: {made.bytes:,} bytes" + (f"; {removed} older ones went" if removed else ""))
    if held:
        click.echo(f"{len(held)} older ones stay, which the place does not let go: {held[0]}")
    click.echo("next: ascend backup drill")


async def _remove(place: BackupPlace, old: Sequence[KeptBackup]) -> list[str]:
    """Remove backups; return why those that stay do: a bucket may hold its objects for a time, whoever asks."""
    held = []
    for backup in old:
        try:
            await place.remove(backup.name)
        except StorageRefused as error:
            held.append(str(error))
    return held
