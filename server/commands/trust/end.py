"""`ascend trust end`."""

import click

from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.revocation import Revocation
from server.admin.nouns.trust import end_policy
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
    """End the policy NAME: tokens that workloads got by it count no more from now on."""
    async with open_store(settings) as store:
        revocation = Revocation(store.grants, store.clients, store.security_events)
        with machine_refusals_told():
            ended = await end_policy(store.machines.policies, revocation, tenant, name)
    click.echo(f"the policy {ended.name} has ended, and its tokens with it")
