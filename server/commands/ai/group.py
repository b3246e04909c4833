"""`ascend ai`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "apply": ("ai.apply", "Put a configuration file in force."),
    "config": ("ai.config", "Print the configuration in force."),
    "rollback": ("ai.rollback", "Put an earlier version in force again."),
    "models": ("ai.models", "List what callers may name as their model."),
    "experiment": ("ai.experiment", "List, watch, hold and resume experiments."),
    "key": ("ai.key", "Mint, list and revoke callers' keys."),
    "price": ("ai.price", "Show what a model costs, since when, and who says so."),
    "simulate": ("ai.simulate", "Say what so many calls would cost."),
    "budget": ("ai.budget", "List budgets: what is spent, set aside and left."),
    "usage": ("ai.usage", "Add up calls, tokens and dollars."),
    "logs": ("ai.logs", "List the last calls."),
    "verify": ("ai.verify", "Check that the AI gateway is set up."),
    "test-chain": ("ai.test_chain", "Play sixteen failures of providers to a route."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """Models through one door: who may call which, what it costs, what happened.

    Start with `ascend connection add-key PROVIDER`, which keeps a provider's key, and `ascend ai key mint NAME --tenant default`,
    which makes a caller's; clients then call http://…/v1. Routes, budgets and further providers: `ascend ai apply FILE`.
    """
