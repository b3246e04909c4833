"""`ascend workflow`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "list": ("workflow.list_workflows", "List the workflows that can be started."),
    "start": ("workflow.start", "Start a run; with --wait, until it has ended."),
    "runs": ("workflow.runs", "List runs, the newest first."),
    "show": ("workflow.show", "Show a run with its steps and its result."),
    "cancel": ("workflow.cancel", "End a run before its next step."),
    "resume": ("workflow.resume", "Let a run go on that failed or was cancelled."),
    "apply": ("workflow.apply", "Keep the workflow of a file as its next version."),
    "definitions": ("workflow.definitions", "List the workflows that a tenant defined."),
    "show-definition": ("workflow.show_definition", "Print a definition."),
    "remove-definition": ("workflow.remove_definition", "Remove a definition with all its versions."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Workflows: steps that run to their end, whatever dies in between. Everything is one tenant's: --tenant."""
