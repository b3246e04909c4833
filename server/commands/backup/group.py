"""`ascend backup`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "init": ("backup.init", "Make the keys that backups are written for; once."),
    "create": ("backup.create", "Make a backup now, while the gateway runs."),
    "list": ("backup.list_backups", "List backups."),
    "verify": ("backup.verify", "Read a backup to its end and check every byte."),
    "drill": ("backup.drill", "Restore a backup aside, open a gateway on it and ask it something."),
    "restore": ("backup.restore", "Put a backup into an empty place."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Encrypted backups of everything: store, history, the key of the vault, settings.

    Start with `ascend backup init`, keep the recovery key that it prints somewhere else, then `ascend backup create`. The files are of the
    age format (age-encryption.org): `age` and `rage` open them, too.
    """
