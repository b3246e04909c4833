"""`ascend backup restore`: put a backup into an empty place."""

from pathlib import Path

import click

from server.backups.restoring import NotRestored, must_be_empty, restore_backup
from server.commands.backup.opened import BackupArgument, chosen, identities, key_option, told_of
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import prepare_directory


@click.command()
@click.argument("backup", type=BackupArgument())
@key_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, backup: str, key_file: Path | None, as_json: bool) -> None:
    """Put BACKUP into the data directory (--data) and store, which must be empty, and end all tokens and sessions in it.

    People sign in again. Their grants, connections and everything else are as they were when the backup was made, keys of callers and
    static tokens among it; what was revoked or removed since is there again: the audit trail elsewhere says what.
    """
    prepare_directory(settings.data_dir)
    keys = identities(settings, key_file)
    try:
        must_be_empty(settings)
        async with chosen(settings, backup, has_vault=False) as (at, path):
            with told_of(at), progress_bar("Restoring") as shown:
                done = await restore_backup(settings, path, keys, shown)
    except NotRestored as error:
        raise CommandFailed(str(error)) from error
    rows = sum(sum(tables.values()) for tables in done.manifest.tables.values())
    if as_json:
        print_rows([{"made_at": done.manifest.made_at, "rows": rows, "ended": dict(done.ended)}], as_json=True, empty="")
        return
    click.echo(f"restored {rows:,} rows of {done.manifest.made_at} into {settings.data_dir}")
    ended = ", ".join(f"{count:,} {name}" for name, count in done.ended.items()) or "nothing was open"
    click.echo(f"ended: {ended}; what was revoked or changed after {done.manifest.made_at} is as it was before")
    click.echo(
        "keys of callers and static tokens are not ended: look through `ascend ai key list` and `ascend token static list --tenant T`"
    )
    click.echo("next: ascend doctor, then ascend serve")
