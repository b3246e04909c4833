"""`ascend audit`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "events": ("audit.events", "Show who did what, the newest first."),
    "verify": ("audit.verify", "Check that no row of the trail was changed or removed."),
    "scopes": ("audit.scopes", "Show operation -> scope; fail when an operation has none."),
    "operations": ("audit.operations", "Fail when a name or a tier says something else than method and description."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Who did what, and whether the catalogue keeps its rules.

    Every command and every form that changes something leaves a row in the same transaction. Each row is sealed together with the one
    before it, so that what is changed afterwards shows.
    """
