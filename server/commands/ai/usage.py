"""`ascend ai usage`: what model calls came to."""

from datetime import datetime
from typing import Final, Literal, get_args

import click

from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import PointInTime
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.records.usage_row import usage_row
from tools.ai_gateway.stores import UsageBy
from tools.metering.budget_report import operation_row
from tools.operation import Json

OPERATION: Final = "operation"


@click.command()
@click.option(
    "--by", type=click.Choice([*get_args(UsageBy), OPERATION]), default="model", show_default=True, help="What calls are told apart by."
)
@click.option(
    "--since", type=PointInTime(), default="30d", show_default=True, help="From when, UTC: a day, a time, or so long ago (24h, 7d)."
)
@click.option("--tenant", default=None, help="Of this tenant only.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, by: UsageBy | Literal["operation"], since: datetime, tenant: str | None, as_json: bool) -> None:
    """Add up model calls, tokens and dollars by model, provider, key, user or day; or what priced operations of APIs came to."""
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        since_us = int(since.timestamp() * 1_000_000)
        rows: list[dict[str, Json]]
        if by == OPERATION:
            rows = [operation_row(each) for each in await store.operation_charges.usage(tenant, since_us)]
        else:
            rows = [usage_row(by, each) for each in await store.model_calls.usage(by, tenant, since_us)]
    empty = "no calls of priced operations in this time" if by == OPERATION else "no model calls in this time"
    print_rows(rows, as_json=as_json, empty=empty)
