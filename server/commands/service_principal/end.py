"""`ascend service end`."""

import click

from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.revocation import Revocation
from server.admin.nouns.services import end_service
from server.commands.frame import run_async, with_settings
from server.commands.service_principal.whose import machine_refusals_told
from server.config.settings import Settings
from server.storage.store import open_store


@click.command("end")
@click.argument("name")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose it is.")
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str) -> None:
    """End the service NAME: its tokens count no more from now on."""
    async with open_store(settings) as store:
        revocation = Revocation(store.grants, store.clients, store.security_events)
        with machine_refusals_told():
            ended = await end_service(store.machines.services, revocation, tenant, name)
    click.echo(f"{ended.by} has ended, and its tokens with it")
