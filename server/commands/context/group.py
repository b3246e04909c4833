"""`ascend context`: which commands there are."""

import click

from server.commands.lazy_commands import LazyCommands

#: command -> (its module in server.commands, what it does)
COMMANDS = {
    "query": ("context.query", "Look up what is known."),
    "explain": ("context.explain", "Say why a fact is answered, or is not."),
    "assert": ("context.assertion", "Remember the facts of a file."),
    "retract": ("context.retraction", "End a fact, or take it back."),
    "forget": ("context.forgetting", "Delete for good what is known."),
    "entities": ("context.entities", "List whom and what is known."),
    "proposals": ("context.proposals", "List who may be one with whom."),
    "link": ("context.linking", "Decide that two are one, or are not."),
    "predicates": ("context.predicates", "Declare what has one value at a time."),
    "signals": ("context.signals", "Evaluate rules over what is known."),
    "eval": ("context.evaluation", "Measure the ranking on judged questions."),
}


@click.command(cls=LazyCommands, modules=COMMANDS)
def command() -> None:
    """What is known: about whom, since when, from where.

    Start with `ascend context assert FILE`, then `ascend context query "who is the champion at Kahuna" --as-of 2026-02-15`. The same is
    to be had as context_query and its like for agents, and under /v1/context for programs. Everything is one tenant's: --tenant.
    """
