"""What the commands of workflows share: whose they are, and runs opened beside a gateway that does the work."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import click

from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.operations import Operations
from server.assembly.schedules import assemble_schedules
from server.assembly.workflows import DurableWork, assemble_workflows
from server.commands.frame import required_data
from server.commands.refused import refusals_told
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import Store, open_store
from tools.egress.client import Egress
from tools.workflows.stores import ActsFor

R = TypeVar("R")


def tenant_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --tenant."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose workflows.")(command)


@dataclass(frozen=True, slots=True)
class OpenedWork:
    store: Store
    work: DurableWork


@asynccontextmanager
async def open_work(settings: Settings, tenant: str) -> AsyncIterator[OpenedWork]:
    """Give the runs of a gateway that was started once; what is refused becomes the command's failure, with all faults."""
    required_data(settings)
    async with open_store(settings) as store, Egress(settings.egress.egress_allow) as egress:
        await known_tenant(store, tenant)
        work = assemble_workflows(store, no_operations, nobody)
        # The workflows that schedules start are there too.
        assemble_schedules(settings, store, Tenants(await store.tenants.all()), egress, work)
        with refusals_told():
            yield OpenedWork(store, work)


def no_operations() -> Operations:
    raise AssertionError("a command runs no workflow")


async def nobody(_tenant_id: str, _acts_for: ActsFor) -> None:
    """Return whom a command's runs act for, which it does not run."""
    return
