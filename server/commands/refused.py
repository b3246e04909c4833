"""What an operation refuses, as a command says it: a line for each fault, with its place, its rule and an example."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from server.admin.refusals import AdminRefused
from server.commands.frame import CommandFailed
from server.commands.terminal import say
from tools.errors import ToolError
from tools.operation import Failure

#: what a fault begins with that is about one field
_FIELD = re.compile(r"([a-z][a-z_]*): ")


class Refused(CommandFailed):
    """Nothing was changed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.message}; {failure.hint}" if failure.hint else failure.message)
        self.faults = failure.faults

    def show(self, file: Any = None) -> None:
        super().show(file)
        for fault in self.faults:
            value = f" {fault['value']!r}:" if "value" in fault else ""
            example = f", like {fault['example']}" if fault.get("example") not in (None, "") else ""
            say(f"  {fault['path']}:{value} {fault['rule']}{example}", err=True)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Make the command's failure of what an operation refuses."""
    try:
        yield
    except ToolError as error:
        raise Refused(error.failure) from error


@contextmanager
def admin_refusals_told() -> Iterator[None]:
    """Make the command's failure of what the administration refuses; wrong words are wrong usage."""
    try:
        yield
    except AdminRefused as error:
        said = f"{error.message}; {error.hint}" if error.hint else error.message
        if error.status == 422 and (field := _FIELD.match(said)):
            said = f"--{field[1].replace('_', '-')}{said[field.end(1) :]}"
        raise (click.UsageError(said) if error.status == 422 else CommandFailed(said)) from error
