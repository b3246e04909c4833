"""What the commands of schedules share: whose they are, and schedules opened beside a gateway that may be running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oauth.tenants import Tenants
from server.assembly.reports import report_sources
from server.assembly.workflows.durable_work import assemble_workflows
from server.assembly.workflows.schedules import ScheduledWork, assemble_schedules, bring_builtin_schedules
from server.audited import unaudited
from server.commands.one_tenant import open_tenant, tenant_option_of
from server.commands.refused import refusals_told
from server.commands.workflow.opened import no_operations, nobody
from server.config.settings import Settings
from server.config_versions.live import config_in
from tools.egress.client import Egress

tenant_option = tenant_option_of("Whose schedules")


@asynccontextmanager
async def open_schedules(settings: Settings, tenant: str) -> AsyncIterator[ScheduledWork]:
    """Give the schedules of a gateway that was started once; what is refused becomes the command's failure, with all faults."""
    async with open_tenant(settings, tenant) as store, Egress(settings.egress.egress_allow) as egress:
        tenants = Tenants(await store.tenants.all())
        work, reports = assemble_workflows(store, no_operations, nobody), report_sources(store, no_operations)
        said = (await config_in(store.config_versions)).jobs.said
        scheduled = assemble_schedules(settings, store, tenants, egress, work, reports, lambda: said)
        # A gateway of an earlier version has not brought them yet; that is upkeep, and nobody's decision.
        with unaudited():
            await bring_builtin_schedules([tenant], store, said)
        with refusals_told():
            yield scheduled
