"""`ascend ai price`: what a model costs, since when, and who says so."""

from datetime import UTC, datetime

import click

from server.commands.ai.priced import Priced, known_prices, price_row
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import PointInTime
from server.config.settings import Settings
from server.storage.store import open_store
from tools.near_names import near


@click.command()
@click.argument("model")
@click.option("--at", type=PointInTime(), default=None, help="When, UTC: a day or a time.  [now]")
@json_option
@with_settings
@run_async
async def command(settings: Settings, model: str, at: datetime | None, as_json: bool) -> None:
    """Show what MODEL (`provider/id`, or a route: its targets) costs, in dollars for a million tokens."""
    async with open_store(settings) as store:
        prices = await known_prices(store)
    when = at or datetime.now(UTC)
    rows = [price_row(name, price) for name, price in prices.of(model, when) if price is not None]
    if not rows:
        raise CommandFailed(f"no price is known for {model!r}{_meant(prices, model)}; `[[prices]]` in the configuration can say one")
    print_rows(rows, as_json=as_json, empty="")


def _meant(prices: Priced, model: str) -> str:
    provider, _slash, name = model.partition("/")
    found = near(name, prices.builtin.models(provider))
    return f"; did you mean {', '.join(f'{provider}/{each}' for each in found)}?" if found else ""
