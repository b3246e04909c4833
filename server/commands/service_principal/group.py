"""`ascend service`: the group and its commands."""

import click

from server.commands.lazy_commands import LazyCommands

COMMANDS = {
    "add": ("service_principal.add", "Let a machine administer, by its public key."),
    "list": ("service_principal.list_services", "List them, and when each ends."),
    "end": ("service_principal.end", "End one, and its tokens, at once."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Machines that administer: each signs with a key of its own (private_key_jwt) and has no secret."""
