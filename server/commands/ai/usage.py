"""`ascend ai usage`: what model calls came to."""

from datetime import datetime
from typing import get_args

import click

from server.commands.ai.times import PointInTime
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.stores import UsageBy
from tools.metering.money import to_usd


@click.command()
@click.option("--by", type=click.Choice(get_args(UsageBy)), default="model", show_default=True, help="What calls are told apart by.")
@click.option(
    "--since", type=PointInTime(), default="30d", show_default=True, help="From when, UTC: a day, a time, or so long ago (24h, 7d)."
)
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, by: UsageBy, since: datetime, tenant: str | None, as_json: bool) -> None:
    """Add up calls, tokens and dollars by model, provider, key, user or day."""
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        found = await store.model_calls.usage(by, tenant, int(since.timestamp() * 1_000_000))
    rows = [
        {
            by: each.of,
            "calls": each.calls,
            "errors": each.errors,
            "input_tokens": each.input_tokens,
            "cached_input_tokens": each.cached_input_tokens,
            "output_tokens": each.output_tokens,
            "cost_usd": to_usd(each.cost_nano_usd),
            "unpriced": each.unpriced,
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="no model calls in this time")
