"""What the commands of schedules share: whose they are, and schedules opened beside a gateway that may be running."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import click

from oauth.tenants import DEFAULT_TENANT, Tenants
from server.assembly.operations import Operations
from server.assembly.schedules import ScheduledWork, assemble_schedules, bring_builtin_schedules
from server.assembly.workflows import assemble_workflows
from server.audited import unaudited
from server.commands.frame import CommandFailed, required_data
from server.commands.terminal import say
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.egress.client import Egress
from tools.errors import ToolError
from tools.operation import Failure
from tools.workflows.stores import ActsFor

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
        scheduled = assemble_schedules(store, tenants, egress, assemble_workflows(store, _no_operations, _nobody))
        # A gateway of an earlier version has not brought them yet; that is upkeep, and nobody's decision.
        with unaudited():
            await bring_builtin_schedules([tenant], store)
        try:
            yield scheduled
        except ToolError as error:
            raise _Refused(error.failure) from error


class _Refused(CommandFailed):
    """A line for each fault: its place, what stands there, its rule, an example."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.message}; {failure.hint}" if failure.hint else failure.message)
        self.faults = failure.faults

    def show(self, file: Any = None) -> None:
        super().show(file)
        for fault in self.faults:
            value = f" {fault['value']!r}:" if "value" in fault else ""
            example = f", like {fault['example']}" if fault.get("example") not in (None, "") else ""
            say(f"  {fault['path']}:{value} {fault['rule']}{example}", err=True)


def _no_operations() -> Operations:
    raise AssertionError("a command runs no workflow")


async def _nobody(_tenant_id: str, _acts_for: ActsFor) -> None:
    return None
