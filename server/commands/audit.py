"""`ascend audit`: check the catalogue against its rules."""

import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from tools.sources.operation_audit import misfits_of


@click.group()
def command() -> None:
    """Check the catalogue against its rules."""


@command.command("scopes")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose catalogue.")
@json_option
@with_settings
@run_async
async def scopes(settings: Settings, tenant: str, as_json: bool) -> None:
    """Show operation -> scope; fail when an operation has none."""
    async with open_gateway(settings) as gateway:
        await known_tenant(gateway.store, tenant)
        view = gateway.operations.catalog.visible(tenant)
        rows = [
            {"operation": name, "scope": operation.required_scope, "access": operation.access}
            for name, operation in sorted(view.operations_by_id.items())
        ]
    print_rows(rows, as_json=as_json, empty="no operations")
    if without := [str(row["operation"]) for row in rows if not row["scope"]]:
        raise CommandFailed(f"{len(without)} operations need no scope: {', '.join(without[:5])}; give each an access tier")


@command.command("operations")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose catalogue.")
@json_option
@with_settings
@run_async
async def operations(settings: Settings, tenant: str, as_json: bool) -> None:
    """Fail when a name or a tier says something else than method and description."""
    async with open_gateway(settings) as gateway:
        await known_tenant(gateway.store, tenant)
        view = gateway.operations.catalog.visible(tenant)
        rows = [
            {"operation": name, "access": operation.access, "misfit": misfit}
            for name, operation in sorted(view.operations_by_id.items())
            for misfit in misfits_of(operation)
        ]
    print_rows(rows, as_json=as_json, empty="every name and tier fits")
    if rows:
        way_out = "import again with --fresh for new names, or set id and access in an overlay"
        raise CommandFailed(f"{len({row['operation'] for row in rows})} operations do not do what they are called; {way_out}")
