"""Whose operations a command is about: one tenant's own, or those that all tenants share."""

from collections.abc import Callable
from typing import TypeVar

import click

from oauth.tenants import DEFAULT_TENANT

R = TypeVar("R")
EVERY_TENANT = "every tenant"


def whose_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` --tenant and --shared, which `whose` reads."""
    command = click.option("--shared", is_flag=True, help="For all tenants.")(command)
    return click.option("--tenant", default=None, metavar="NAME", help="For this tenant only  [default]")(command)


def whose(tenant: str | None, shared: bool) -> str | None:
    """Return the tenant whose operations these are, the default one when none is named; None: all tenants'."""
    if tenant and shared:
        raise click.UsageError("--tenant and --shared exclude each other: name one tenant, or share with all")
    return None if shared else tenant or DEFAULT_TENANT
