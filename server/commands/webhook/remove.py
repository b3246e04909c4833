"""`ascend webhook remove`: end a webhook."""

import json

import click

from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings


@click.command()
@click.argument("source")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, source: str, tenant: str, as_json: bool) -> None:
    """Remove the webhook of SOURCE; what it started goes on, and running gateways refuse its sender within two seconds."""
    async with open_tenant(settings, tenant) as store:
        if not await store.durable.webhooks.remove(tenant, source):
            raise CommandFailed(f"no webhook {source!r} in tenant {tenant!r}; `ascend webhook list` shows all")
    click.echo(json.dumps({"source": source, "removed": True}) if as_json else f"{source} is removed")
