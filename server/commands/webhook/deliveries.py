"""`ascend webhook deliveries`: what came."""

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.one_tenant import open_tenant
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.commands.webhook.opened import tenant_option
from server.config.settings import Settings


@click.command()
@click.option("--source", default=None, help="Of this webhook only.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, source: str | None, limit: int, tenant: str, as_json: bool) -> None:
    """List what came, newest first, with the run that it started; never what it says."""
    async with open_tenant(settings, tenant) as store:
        found = await store.durable.deliveries.deliveries(tenant, source=source, limit=limit)
    rows: list[dict[str, object]] = [
        {
            "delivery": each.delivery_id,
            "source": each.source,
            "event": each.event_id,
            "type": each.kind,
            "received": shown_time(each.received_at_us),
            "body_bytes": each.body_bytes,
            "replays": each.replays,
            "run": each.run_id,
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="nothing came yet; `ascend webhook test SOURCE` tries whether it could")
