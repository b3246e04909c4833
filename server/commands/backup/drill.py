"""`ascend backup drill`: try whether a backup would help."""

from pathlib import Path

import click

from server.backups.drill import DrillFailed, drill
from server.commands.backup.opened import BackupArgument, chosen, identities, key_option, told_of
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.config.settings import Settings


@click.command()
@click.argument("backup", type=BackupArgument(), required=False)
@click.option("--scratch-url", default=None, metavar="URL", help="An empty database, for a backup of PostgreSQL.")
@key_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, backup: str | None, scratch_url: str | None, key_file: Path | None, as_json: bool) -> None:
    """Restore BACKUP (the newest, where none is named) aside, check it, open a gateway on it, search, and be refused with a wrong token.

    Nothing of it calls anybody, and the running gateway is not touched.
    """
    required_data(settings)
    keys = identities(settings, key_file)
    url = scratch_url and scratch_url.replace("postgresql://", "postgresql+psycopg://", 1)
    async with chosen(settings, backup) as (at, path):
        try:
            with told_of(at), progress_bar("Restoring aside") as shown:
                report = await drill(settings, path, keys, scratch_url=url, progress=shown)
        except DrillFailed as error:
            raise CommandFailed(f"{at} would not have helped: {error}; make another one and try that") from error
    if as_json:
        row = {"backup": report.backup, "age_s": round(report.age_s), "took_s": round(report.took_s, 1), "rows": report.rows}
        print_rows([{**row, "steps": list(report.steps)}], as_json=True, empty="")
        return
    for step in report.steps:
        click.echo(f"ok  {step}")
    click.echo(f"{report.backup} would have helped: {report.age_s / 3600:.1f} h would be lost, and it answered after {report.took_s:.1f} s")
