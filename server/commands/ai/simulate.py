"""`ascend ai simulate`: what so many calls would cost, by model."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from server.commands.ai.priced import Priced, known_prices
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.token_usage import TokenUsage
from tools.metering.money import to_usd

DAYS_OF = {"minute": 1 / 1_440, "hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0}
DAYS_A_MONTH = 30
NOTHING = "no model yet: name one with --model, or `ascend ai apply` a configuration with routes"


def in_calls_per_day(_context: click.Context, _option: click.Parameter, volume: str) -> float:
    found = re.fullmatch(r"(\d{1,12})(?:/(minute|hour|day|week|month))?", volume)
    if found is None:
        raise click.BadParameter(f"{volume!r} is no volume; write it like 500/day (or /minute, /hour, /week, /month)")
    return int(found[1]) / DAYS_OF[found[2] or "day"]


@click.command()
@click.option("--volume", "calls_per_day", default="500/day", show_default=True, callback=in_calls_per_day, help="How many calls.")
@click.option("--in", "input_tokens", type=click.IntRange(0, 10**9), required=True, help="Tokens in, of each call.")
@click.option("--out", "output_tokens", type=click.IntRange(0, 10**9), required=True, help="Tokens out, of each call.")
@click.option("--cached", "cached_tokens", type=click.IntRange(0, 10**9), default=0, help="Of those in, how many a cache serves.")
@click.option("--model", "models", multiple=True, help="A model or route; repeat to compare.  [what every route may reach]")
@click.option("--before", default=None, metavar="MODEL", help="What does it today: every row says what is saved.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    calls_per_day: float,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int,
    models: tuple[str, ...],
    before: str | None,
    as_json: bool,
) -> None:
    """Say what calls would cost by today's prices, the models in the order in which they are named, all others the cheapest first."""
    async with open_store(settings) as store:
        prices = await known_prices(store)
    usage = TokenUsage(input_tokens, cached_tokens, output_tokens=output_tokens)
    names = models or tuple(dict.fromkeys(model for route in prices.config.routes for model in prices.models_of(route)))
    rows = [row for name in names for row in _projected(prices, name, usage, calls_per_day)]
    if not models:
        rows.sort(key=lambda row: (row.usd_per_day is None, row.usd_per_day))
    if before is None:
        print_rows([row.shown() for row in rows], as_json=as_json, empty=NOTHING)
        return
    today = _projected(prices, before, usage, calls_per_day)[0]
    if today.usd_per_day is None:
        raise CommandFailed(f"no price is known for {before!r}; `[[prices]]` in the configuration says one")
    print_rows([row.shown() | row.compared_with(today.usd_per_day) for row in (today, *rows)], as_json=as_json, empty=NOTHING)


@dataclass(frozen=True, slots=True)
class Projection:
    """What a model would cost; None: its price is not known."""

    model: str
    usd_per_call: float | None
    usd_per_day: float | None
    price_from: str

    def shown(self) -> dict[str, object]:
        return {
            "model": self.model,
            "usd_per_call": self.usd_per_call,
            "usd_per_day": self.usd_per_day,
            "usd_per_month": None if self.usd_per_day is None else round(self.usd_per_day * DAYS_A_MONTH, 9),
            "price_from": self.price_from,
        }

    def compared_with(self, usd_per_day: float) -> dict[str, object]:
        if self.usd_per_day is None:
            return {"saved_usd_per_month": None, "of_before": None}
        share = f"{100 * self.usd_per_day / usd_per_day:.1f} %" if usd_per_day else None
        return {"saved_usd_per_month": round((usd_per_day - self.usd_per_day) * DAYS_A_MONTH, 9), "of_before": share}


def _projected(prices: Priced, name: str, usage: TokenUsage, calls_per_day: float) -> list[Projection]:
    found = []
    for model, price in prices.of(name, datetime.now(UTC)):
        if price is None:
            found.append(Projection(model, None, None, ""))
            continue
        nano_usd = price.of_size(usage.input_tokens).nano_usd(usage)
        found.append(Projection(model, to_usd(nano_usd), round(to_usd(nano_usd) * calls_per_day, 9), price.source))
    return found
