"""`ascend backup create`: make a backup now."""

import anyio.to_thread
import click

from server.backups.kept import backups_in, to_remove
from server.backups.keys import load_keys
from server.backups.making import make_backup
from server.commands.backup.opened import told_of
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.config.backup_folder import folder_of
from server.config.settings import Settings
from server.storage.store import open_store


@click.command()
@click.option("--lean", is_flag=True, help="Without the history of calls, which is most of the bytes.")
@click.option("--keep-all", is_flag=True, help="Do not remove older ones: else the newest five stay, and one a month for a year.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, lean: bool, keep_all: bool, as_json: bool) -> None:
    """Make a backup while the gateway runs; it is not held up."""
    required_data(settings)
    folder = folder_of(settings)
    with told_of(folder):
        keys = load_keys(settings.data_dir)
        if keys is None:
            raise CommandFailed("nobody could open a backup yet; `ascend backup init` makes the keys")
        async with open_store(settings) as store:
            await store.audit_trail.note()
            with progress_bar("Copying") as shown:
                path = await anyio.to_thread.run_sync(lambda: make_backup(settings, keys, folder, is_lean=lean, progress=shown))
        removed = [] if keep_all else list(to_remove(backups_in(folder, settings.store.environment)))
        for backup in removed:
            backup.path.unlink(missing_ok=True)
    row = {"backup": str(path), "bytes": path.stat().st_size, "removed": len(removed)}
    if as_json:
        print_rows([row], as_json=True, empty="")
        return
    click.echo(f"{path}: {row['bytes']:,} bytes" + (f"; {len(removed)} older ones went" if removed else ""))
    click.echo("next: ascend backup drill")
