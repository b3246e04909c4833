"""`ascend webhook replay`: start another run of what came."""

import json

import click

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings


@click.command()
@click.argument("delivery")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, delivery: str, tenant: str, as_json: bool) -> None:
    """Start another run of DELIVERY (`ascend webhook deliveries`), with the body that came, while it is kept: seven days at the most."""
    async with open_tenant(settings, tenant) as store:
        run_id = await store.durable.deliveries.replay(tenant, delivery)
    if run_id is None:
        raise CommandFailed(f"no delivery {delivery!r} in tenant {tenant!r} whose body is kept; `ascend webhook deliveries` shows all")
    click.echo(json.dumps({"delivery": delivery, "run": run_id}) if as_json else f"{delivery} starts run {run_id}")
