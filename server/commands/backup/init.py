"""`ascend backup init`: make the keys that backups are written for."""

import click

from server.backups.keys import MACHINE_KEY_FILE, identity_text, make_keys, recipient_text
from server.commands.backup.recipients import readers_of, recipient_option
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.config.backup_folder import RECIPIENTS_FILE
from server.config.settings import Settings
from server.storage.store import open_store


@click.command()
@recipient_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, recipients: tuple[str, ...], as_json: bool) -> None:
    """Make a recovery key, which is shown once and kept nowhere here, and a key of this machine, for drills."""
    readers = readers_of(recipients)
    required_data(settings)
    async with open_store(settings) as store:
        try:
            recovery = make_keys(settings.data_dir, readers)
        except FileExistsError as error:
            way_out = f"backups go on with it; to begin anew, move {MACHINE_KEY_FILE} and {RECIPIENTS_FILE} away"
            raise CommandFailed(f"{settings.data_dir} has keys for backups already; {way_out}") from error
        await store.audit_trail.note()
    if as_json:
        keys = [] if recovery is None else [{"recovery_key": identity_text(recovery), "recipient": recipient_text(recovery.public_key())}]
        print_rows([*keys, *({"recovery_key": None, "recipient": text} for text in recipients)], as_json=True, empty="")
        return
    if recovery is not None:
        click.echo(f"recovery key   {identity_text(recovery)}")
        click.echo(
            "Shown only now. Keep it where this machine's disk is not: with it and a backup everything can be restored, without it nothing."
        )
    click.echo("next: ascend backup create")
