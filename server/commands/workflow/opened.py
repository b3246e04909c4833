"""What the commands of workflows share: whose they are, and runs opened beside a gateway that does the work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from oauth.tenants import Tenants
from server.assembly.operations import Operations
from server.assembly.reports import report_sources
from server.assembly.workflows.durable_work import DurableWork, assemble_workflows
from server.assembly.workflows.schedules import assemble_schedules
from server.commands.one_tenant import open_tenant, tenant_option_of
from server.commands.refused import refusals_told
from server.config.settings import Settings
from server.storage.store import Store
from tools.egress.client import Egress
from tools.workflows.schedules.builtin import as_brought
from tools.workflows.stores import ActsFor

tenant_option = tenant_option_of("Whose workflows")


@dataclass(frozen=True, slots=True)
class OpenedWork:
    store: Store
    work: DurableWork


@asynccontextmanager
async def open_work(settings: Settings, tenant: str) -> AsyncIterator[OpenedWork]:
    """Give the runs of a gateway that was started once; what is refused becomes the command's failure, with all faults."""
    async with open_tenant(settings, tenant) as store, Egress(settings.egress.egress_allow) as egress:
        work = assemble_workflows(store, no_operations, nobody)
        # The workflows that schedules start are there too.
        assemble_schedules(
            settings, store, Tenants(await store.tenants.all()), egress, work, report_sources(store, no_operations), as_brought
        )
        with refusals_told():
            yield OpenedWork(store, work)


def no_operations() -> Operations:
    raise AssertionError("a command runs no workflow")


async def nobody(_tenant_id: str, _acts_for: ActsFor) -> None:
    """Return whom a command's runs act for, which it does not run."""
    return
