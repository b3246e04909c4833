"""`ascend alert`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "list": ("alert.list_alerts", "List what holds, who was told, and why somebody was not."),
    "rules": ("alert.rules", "List the rules, and which are on."),
    "silence": ("alert.silence", "Keep alerts untold for a while, or end that."),
    "deliveries": ("alert.deliveries", "List messages: sent, waiting, given up."),
    "test": ("alert.test", "Send a message to each sink now."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Alerts: what somebody should know at once, and who is told.

    Rules are on from the start, and the log says what fires; section [alerts] of the configuration names sinks (slack, telegram, email,
    webhook) and other thresholds. `ascend alert test` tries them.
    """
