"""`ascend report KIND`: what a time came to, in figures, tables and what somebody should look at."""

from datetime import UTC, datetime

import click
import orjson

from server.app import open_gateway
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.schedule.rows import say_report
from server.commands.times import PointInTime
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.reports.kinds import KINDS, made
from server.storage.database import now_us


@click.command(epilog="\n\n".join(f"{name}: {kind.about}." for name, kind in KINDS.items()))
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only; otherwise of the whole gateway.")
@click.option("--days", type=click.IntRange(1, 400), default=None, help="Of how many days; each kind has a number of its own.")
@click.option("--until", type=PointInTime(), default=None, help="Up to when: a day, a time, or 24h (ago); otherwise now.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, kind: str, tenant: str | None, days: int | None, until: datetime | None, as_json: bool) -> None:
    """Make a report of KIND now. The weekly and monthly ones come by themselves: `ascend schedule runs weekly-digest` shows them."""
    required_data(settings)
    to_us = now_us() if until is None else int(until.astimezone(UTC).timestamp() * 1_000_000)
    async with open_gateway(settings, at_work=False) as gateway:
        if tenant is not None:
            await known_tenant(gateway.store, tenant)
        report = await made(gateway.reports, kind, tenant, to_us, days)
    if as_json:
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    else:
        say_report(report)
