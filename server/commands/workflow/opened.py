"""What the commands of workflows share."""

from collections.abc import Callable
from typing import TypeVar

import click

from oauth.tenants import DEFAULT_TENANT

R = TypeVar("R")


def tenant_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --tenant."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose workflows.")(command)
