"""`ascend alert silence`: keep alerts untold."""

import json
from datetime import UTC, datetime, timedelta

import click

from server.commands.alert.opened import open_alerts
from server.commands.command_being_run import operating_system_user
from server.commands.frame import CommandFailed, json_option, run_async, with_settings
from server.commands.terminal import say
from server.commands.times import PointInTime, shown_time
from server.config.settings import Settings
from server.storage.alerts.records import Silence


def _labels(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        name, is_pair, value = each.partition("=")
        if not is_pair or not value:
            raise click.BadParameter(f"{each!r} is no label with a value; write it like tenant=acme")
        found[name] = value
    return found


@click.command()
@click.option("--rule", default=None, metavar="NAME", help="Of this rule.")
@click.option("--label", "labels", multiple=True, callback=_labels, metavar="NAME=VALUE", help="With this label; may be said again.")
@click.option("--for", "lasts", default="2h", show_default=True, metavar="TIME", help="For how long: 30m, 2h, 3d; 30 days at most.")
@click.option("--why", default=None, metavar="WORDS", help="What whoever finds the silence should know.")
@click.option("--end", default=None, metavar="ID", help="End this silence now, instead.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings, rule: str | None, labels: dict[str, str], lasts: str, why: str | None, end: str | None, as_json: bool
) -> None:
    """Tell nobody of alerts that fit --rule and every --label, until it is over; they still show in `ascend alert list`."""
    if end is None and (why is None or not (rule or labels)):
        raise click.UsageError("say what is silenced and why: --rule NAME or --label NAME=VALUE, and --why WORDS; or --end ID")
    # The option that reads how long ago something was reads how long something lasts.
    lasting = datetime.now(UTC) - PointInTime().convert(lasts, None, None)
    async with open_alerts(settings) as opened:
        if end is not None:
            if not await opened.board.unsilence(end):
                raise CommandFailed(f"no silence {end!r} holds; `ascend alert list --silences` shows them")
            click.echo(json.dumps({"silence": end, "ended": True})) if as_json else say(f"silence {end} is over")
            return
        matchers = ({"rule": rule} if rule else {}) | labels
        until = datetime.now(UTC) + max(lasting, timedelta())
        made = await opened.board.silence(matchers, int(until.timestamp() * 1_000_000), why or "", operating_system_user())
    if as_json:
        click.echo(json.dumps(silence_row(made), indent=2))
    else:
        said = " ".join(f"{name}={value}" for name, value in made.matchers.items())
        say(f"silence {made.silence_id}: nobody is told of {said} until {shown_time(made.until_us)}")


def silence_row(silence: Silence) -> dict[str, object]:
    return {
        "silence": silence.silence_id,
        "matches": " ".join(f"{name}={value}" for name, value in silence.matchers.items()),
        "until": shown_time(silence.until_us),
        "by": silence.by,
        "why": silence.why,
    }
