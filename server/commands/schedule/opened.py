"""What the commands of schedules share: whose they are, and schedules opened beside a gateway that may be running."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.schedules import ScheduledWork, assemble_schedules, bring_builtin_schedules
from server.assembly.workflows import assemble_workflows
from server.audited import unaudited
from server.commands.frame import required_data
from server.commands.refused import refusals_told
from server.commands.user import known_tenant
from server.commands.workflow.opened import no_operations, nobody
from server.config.settings import Settings
from server.storage.store import open_store
from tools.egress.client import Egress

R = TypeVar("R")


def tenant_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give `command` the option --tenant."""
    return click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose schedules.")(command)


@asynccontextmanager
async def open_schedules(settings: Settings, tenant: str) -> AsyncIterator[ScheduledWork]:
    """Give the schedules of a gateway that was started once; what is refused becomes the command's failure, with all faults."""
    required_data(settings)
    async with open_store(settings) as store, Egress(settings.egress.egress_allow) as egress:
        await known_tenant(store, tenant)
        tenants = Tenants(await store.tenants.all())
        scheduled = assemble_schedules(settings, store, tenants, egress, assemble_workflows(store, no_operations, nobody))
        # A gateway of an earlier version has not brought them yet; that is upkeep, and nobody's decision.
        with unaudited():
            await bring_builtin_schedules([tenant], store)
        with refusals_told():
            yield scheduled
