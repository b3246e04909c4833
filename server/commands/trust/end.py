"""`ascend trust end`."""

import click

from server.admin.nouns.machines.trust import end_policy
from server.commands.frame import run_async, with_settings
from server.commands.service_principal.whose import ending, of_a_tenant
from server.config.settings import Settings


@click.command("end")
@of_a_tenant
@with_settings
@run_async
async def command(settings: Settings, name: str, tenant: str) -> None:
    """End the policy NAME: tokens that workloads got by it count no more from now on."""
    async with ending(settings) as (machines, revocation):
        ended = await end_policy(machines.policies, revocation, tenant, name)
    click.echo(f"the policy {ended.name} has ended, and its tokens with it")
