"""The options of a question, for query and explain."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

R = TypeVar("R")


def question_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the arguments of context_query, handed on as one mapping `given`."""

    @click.argument("question", required=False, default="")
    @click.option("--entity", "entities", multiple=True, metavar="NAME|ID", help="Only facts about these: name, id, e-mail or key.")
    @click.option("--predicate", "predicates", multiple=True, metavar="NAME", help="Only these predicates.")
    @click.option("--source", "sources", multiple=True, metavar="NAME", help="Only what these sources say.")
    @click.option("--as-of", "as_of", metavar="TIME", help="What was true then: 2026-02-28, or a time with offset  [now]")
    @click.option("--known-at", "known_at", metavar="TIME", help="What was believed then  [now]")
    @click.option("--history", is_flag=True, help="Every window of time, past ones too.")
    @click.option("-k", "--limit", default=10, show_default=True, type=click.IntRange(1, 20), help="How many facts.")
    @functools.wraps(command)
    def wrapper(*args: Any, **options: Any) -> R:
        given = {"query": options.pop("question"), "limit": options.pop("limit")}
        for name in ("entities", "predicates", "sources"):
            if values := options.pop(name):
                given[name] = list(values)
        for name in ("as_of", "known_at", "history"):
            if (value := options.pop(name)) is not None and value is not False:
                given[name] = value
        return command(*args, given=given, **options)

    return wrapper
