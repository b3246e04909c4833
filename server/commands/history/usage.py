"""`ascend usage`: how often operations are used, and which never are."""

from datetime import datetime

import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import PointInTime
from server.commands.user import known_tenant
from server.config.settings import Settings


@click.command()
@click.option("--since", type=PointInTime(), default="30d", show_default=True, help="From which day on.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, metavar="NAME", help="Whose uses.")
@click.option("--zero", is_flag=True, help="Only operations that nobody used: what could be left out of an import.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, the most used first.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, since: datetime, tenant: str, zero: bool, limit: int, as_json: bool) -> None:
    """Show how often each operation was used, and how often it failed."""
    required_data(settings)
    async with open_gateway(settings) as gateway:
        await known_tenant(gateway.store, tenant)
        uses = await gateway.store.figures.uses(int(since.timestamp() * 1_000_000), tenant)
        known = gateway.operations.catalog.visible(tenant).operations_by_id
    if zero:
        used = {use.operation for use in uses}
        rows = [{"operation": name, "provider": known[name].provider, "access": known[name].access} for name in sorted(known.keys() - used)]
        print_rows(rows[:limit], as_json=as_json, empty="every operation was used")
        return
    counted = [
        {
            "operation": use.operation,
            "calls": use.calls,
            "failures": use.failures,
            "failed_percent": round(100 * use.failures / use.calls, 1),
            "last_day": datetime.fromtimestamp(use.last_day_us / 1_000_000, since.tzinfo).date().isoformat(),
            "is_there": use.operation in known,
        }
        for use in uses[:limit]
    ]
    print_rows(counted, as_json=as_json, empty="nothing was called since then")
