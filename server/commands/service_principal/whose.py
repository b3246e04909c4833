"""Whose machine it is: one tenant's, or the gateway's; and refusals of machines as commands say them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from oauth.administration.errors import MachineRefused
from oauth.tenants import DEFAULT_TENANT
from server.commands.refused import admin_refusals_told

C = TypeVar("C", bound=Callable[..., Any])


def whose_options(command: C) -> C:
    """Give `command` --tenant and --gateway, which `whose` reads."""
    command = click.option("--gateway", is_flag=True, help="It reaches every tenant.")(command)
    return click.option("--tenant", default=None, metavar="NAME", help="It reaches this tenant.")(command)


def whose(tenant: str | None, gateway: bool) -> tuple[str, bool]:
    """Return the tenant and whether every tenant is reached. Raises UsageError."""
    if (tenant is None) is not gateway:
        raise click.UsageError("say how far it reaches: --tenant NAME or --gateway")
    return tenant or DEFAULT_TENANT, gateway


@contextmanager
def machine_refusals_told() -> Iterator[None]:
    """Make wrong usage of what cannot be said of a machine, and the command's failure of what the administration refuses."""
    try:
        with admin_refusals_told():
            yield
    except MachineRefused as error:
        raise click.UsageError(f"--{error}") from error
