"""`ascend ai logs`: the last model calls."""

import json

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.records.log_row import log_row

#: what a line of a terminal has room for; --json has everything
COLUMNS = ("at", "tenant", "user", "requested", "provider", "model", "status", "outcome", "input_tokens", "output_tokens", "cost_usd", "ms")


@click.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many, the newest first.")
@click.option("--tenant", default=None, help="Of this tenant only.")
@click.option("--gateway", default=None, help="Of this gateway (`/v1/TENANT/GATEWAY/…`) only.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, limit: int, tenant: str | None, gateway: str | None, as_json: bool) -> None:
    """List the last model calls, the newest first: which model answered, what it took and cost, and why that one."""
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        rows = [log_row(record) for record in await store.model_calls.recent(tenant, limit, gateway)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    print_rows([{name: row[name] for name in COLUMNS} for row in rows], as_json=False, empty="no model calls yet")
