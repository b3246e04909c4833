"""`ascend service add`."""

from typing import IO

import click

from oauth.administration.roles import Role
from oauth.services.service_principal import DEFAULT_DAYS, MAX_DAYS
from server.admin.nouns.machines.machine import ROLES
from server.admin.nouns.machines.services import add_service
from server.commands.command_being_run import operating_system_user
from server.commands.frame import run_async, with_settings
from server.commands.service_principal.whose import machine_refusals_told, whose, whose_options
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store


@click.command("add")
@click.argument("name")
@click.option("--key", type=click.File("rb"), default=None, help="Its public key: PEM, a JWK, or a set of them.")
@click.option("--jwks", default="", metavar="URL", help="Where it publishes its keys instead.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@whose_options
@click.option("--cidr", "cidrs", multiple=True, metavar="NETWORK", help="From where its tokens count, else everywhere; repeatable.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=DEFAULT_DAYS, show_default=True, help="When it ends by itself.")
@with_settings
@run_async
async def command(
    settings: Settings,
    name: str,
    key: IO[bytes] | None,
    jwks: str,
    role: str,
    tenant: str | None,
    gateway: bool,
    cidrs: tuple[str, ...],
    days: int,
) -> None:
    """Let the machine NAME administer. It signs with its private key, which stays where it is; there is no secret.

    It asks for tokens at the token endpoint: grant_type client_credentials, client_assertion, resource; each lives for 15 minutes.
    """
    tenant_id, reaches_gateway = whose(tenant, gateway)
    async with open_store(settings) as store:
        await known_tenant(store, tenant_id)
        with machine_refusals_told():
            service = await add_service(
                store.machines.services,
                name,
                tenant_id=tenant_id,
                role=Role.named(role),
                reaches_gateway=reaches_gateway,
                key=b"" if key is None else key.read(),
                jwks_uri=jwks,
                by=operating_system_user(),
                days=days,
                cidrs=cidrs,
            )
    click.echo(f"client_id      {service.machine_id}")
    click.echo(f"token endpoint {settings.base_url}/token")
    click.echo(f"resource       {settings.admin_url}/admin")
