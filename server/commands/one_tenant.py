"""Commands on one tenant, beside a gateway that may be running: the option that names it, and its store."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click

from oauth.tenants import DEFAULT_TENANT
from server.commands.frame import required_data
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store

C = TypeVar("C", bound=Callable[..., Any])


def tenant_option_of(what: str) -> Callable[[C], C]:
    """Return what gives a command the option --tenant; `what`: its help, as "Whose workflows"."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help=f"{what}.")


@asynccontextmanager
async def open_tenant(settings: Settings, tenant: str) -> AsyncIterator[Store]:
    """Give the store of a gateway that was started once. Raises CommandFailed for a tenant that there is not."""
    required_data(settings)
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        yield store
