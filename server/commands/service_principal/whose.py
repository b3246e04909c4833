"""Whose machine it is: one tenant's, or the gateway's; what ends one; and refusals of machines as commands say them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import click

from oauth.administration.errors import MachineRefused
from oauth.services.stores import MachineStores
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.revocation import Revocation
from server.commands.refused import admin_refusals_told
from server.config.settings import Settings
from server.storage.store import open_store

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


def of_a_tenant(command: C) -> C:
    """Give `command` the argument NAME and the option --tenant, which name a machine together."""
    command = click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose it is.")(command)
    return click.argument("name")(command)


@asynccontextmanager
async def ending(settings: Settings) -> AsyncIterator[tuple[MachineStores, Revocation]]:
    """Open what a machine is forgotten in, and what ends its tokens; refusals are told as commands tell them."""
    async with open_store(settings) as store:
        with machine_refusals_told():
            yield store.machines, Revocation(store.grants, store.clients, store.security_events)


@contextmanager
def machine_refusals_told() -> Iterator[None]:
    """Make wrong usage of what cannot be said of a machine, and the command's failure of what the administration refuses."""
    try:
        with admin_refusals_told():
            yield
    except MachineRefused as error:
        raise click.UsageError(f"--{error}") from error
