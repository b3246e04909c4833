"""`ascend ai`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "key": ("ai.key", "Mint, list and revoke callers' keys."),
    "usage": ("ai.usage", "Add up calls, tokens and dollars."),
    "logs": ("ai.logs", "List the last calls."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Models through one door: who may call which, what it costs, what happened."""
