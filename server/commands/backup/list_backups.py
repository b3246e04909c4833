"""`ascend backup list`: which backups there are."""

import click

from server.backups.kept import backups_in
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.backup_folder import folder_of
from server.config.settings import Settings


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """List backups, the newest first."""
    folder = folder_of(settings)
    rows = [
        {
            "backup": str(backup.path),
            "made_at": backup.made_at.isoformat().replace("+00:00", "Z"),
            "environment": backup.environment,
            "bytes": backup.bytes,
        }
        for backup in backups_in(folder)
    ]
    print_rows(rows, as_json=as_json, empty=f"no backups in {folder}")
