"""`ascend backup list`: which backups there are."""

import click

from server.commands.backup.opened import opened_place
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """List backups, the newest first."""
    async with opened_place(settings) as place:
        backups = await place.backups()
    rows = [
        {
            "backup": backup.at,
            "made_at": backup.made_at.isoformat().replace("+00:00", "Z"),
            "environment": backup.environment,
            "bytes": backup.bytes,
        }
        for backup in backups
    ]
    print_rows(rows, as_json=as_json, empty=f"no backups in {place.where}")
