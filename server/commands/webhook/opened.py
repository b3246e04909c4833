"""What the commands of webhooks share: whose they are, and the store opened beside a gateway that may be running."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from oauth.tenants import DEFAULT_TENANT
from server.commands.frame import required_data
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store

R = TypeVar("R")
#: as the audit names who acts here
BY = "ascend webhook"


def tenant_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --tenant."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose webhooks.")(command)


@asynccontextmanager
async def open_tenant(settings: Settings, tenant: str) -> AsyncIterator[Store]:
    """Give the store of a gateway that was started once. Raises CommandFailed for a tenant that there is not."""
    required_data(settings)
    async with open_store(settings) as store:
        await known_tenant(store, tenant)
        yield store
