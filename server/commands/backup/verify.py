"""`ascend backup verify`: read a backup to its end."""

from pathlib import Path

import anyio.to_thread
import click

from server.backups.archive import read_archive
from server.commands.backup.opened import BackupArgument, chosen, identities, key_option, told_of
from server.commands.frame import json_option, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.config.settings import Settings


@click.command()
@click.argument("backup", type=BackupArgument(), required=False)
@key_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, backup: str | None, key_file: Path | None, as_json: bool) -> None:
    """Authenticate every byte of BACKUP (the newest, where none is named) and compare each file with its hash; exit code 1 on one bit."""
    keys = identities(settings, key_file)
    async with chosen(settings, backup) as (at, path):
        with told_of(at), progress_bar("Reading") as shown:
            manifest = await anyio.to_thread.run_sync(lambda: read_archive(path, keys, None, shown))
    rows = sum(sum(tables.values()) for tables in manifest.tables.values())
    row = {"backup": at, "made_at": manifest.made_at, "files": len(manifest.members), "rows": rows, "is_whole": True}
    if as_json:
        print_rows([row], as_json=True, empty="")
    else:
        click.echo(f"{at} is whole: {len(manifest.members)} files and {rows:,} rows of {manifest.made_at}")
