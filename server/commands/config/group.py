"""`ascend config`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "show": ("config.show", "Print the configuration in force."),
    "apply": ("config.apply", "Put a file in force as the next version."),
    "diff": ("config.diff", "Say what differs between versions and files."),
    "history": ("config.history", "List the versions: who applied them, when."),
    "rollback": ("config.rollback", "Put an earlier version in force again."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """What the gateway keeps, watches and tells, in one document that is applied whole.

    Its sections: retention, alerts, sinks, jobs, limits, plans. What a process needs to start is a setting instead (`ascend settings`).
    """
