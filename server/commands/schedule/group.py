"""`ascend schedule`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "list": ("schedule.list_schedules", "List schedules, when they come next and how the last run went."),
    "set": ("schedule.setting", "Have a workflow start at times of a zone."),
    "pause": ("schedule.pause", "Keep a schedule from starting anything."),
    "resume": ("schedule.resume", "Let a paused schedule go on with its next slot."),
    "run": ("schedule.run", "Start a schedule's workflow now, beside its slots."),
    "runs": ("schedule.runs", "List what became of slots, with the reports."),
    "remove": ("schedule.remove", "Remove a schedule that somebody set."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Schedules: what the gateway starts by itself, and when.

    Each tenant has token-health and error-pattern (hourly), docs-freshness and backup-verify (daily): `ascend schedule runs` shows what
    they found. `ascend schedule set NAME --workflow W --cron "0 6 * * MON-FRI" --zone Europe/Berlin` adds one. Everything is one tenant's:
    --tenant.
    """
