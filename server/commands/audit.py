"""`ascend audit`: check the catalogue against its rules."""

import functools
from collections.abc import Callable

import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from tools.operation import Operation
from tools.sources.operation_audit import misfits_of


@click.group()
def command() -> None:
    """Check the catalogue against its rules."""


def over_operations(check: Callable[[list[Operation], bool], None]) -> Callable[[], None]:
    """Make a command of `check`: it gets what a tenant sees, by name, and whether it prints JSON."""

    @click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose catalogue.")
    @json_option
    @with_settings
    @run_async
    @functools.wraps(check)
    async def wrapper(settings: Settings, tenant: str, as_json: bool) -> None:
        async with open_gateway(settings) as gateway:
            await known_tenant(gateway.store, tenant)
            operations_by_id = gateway.operations.catalog.visible(tenant).operations_by_id
        check([operation for _name, operation in sorted(operations_by_id.items())], as_json)

    return wrapper


@command.command("scopes")
@over_operations
def scopes(seen: list[Operation], as_json: bool) -> None:
    """Show operation -> scope; fail when an operation has none."""
    rows = [{"operation": each.id, "scope": each.required_scope, "access": each.access} for each in seen]
    print_rows(rows, as_json=as_json, empty="no operations")
    if without := [str(row["operation"]) for row in rows if not row["scope"]]:
        raise CommandFailed(f"{len(without)} operations need no scope: {', '.join(without[:5])}; give each an access tier")


@command.command("operations")
@over_operations
def operations(seen: list[Operation], as_json: bool) -> None:
    """Fail when a name or a tier says something else than method and description."""
    rows = [{"operation": each.id, "access": each.access, "misfit": misfit} for each in seen for misfit in misfits_of(each)]
    print_rows(rows, as_json=as_json, empty="every name and tier fits")
    if rows:
        way_out = "import again with --fresh for new names, or set id and access in an overlay"
        raise CommandFailed(f"{len({row['operation'] for row in rows})} operations do not do what they are called; {way_out}")
