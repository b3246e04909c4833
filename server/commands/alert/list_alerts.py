"""`ascend alert list`: what holds."""

import click

from server.alerts.board import SeenAlert
from server.commands.alert.opened import open_alerts
from server.commands.alert.silence import silence_row
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings


@click.command("list")
@click.option("--all", "with_ended", is_flag=True, help="With those of the last seven days that are over.")
@click.option("--silences", is_flag=True, help="Silences instead: those that hold, and those that ended lately.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, with_ended: bool, silences: bool, as_json: bool) -> None:
    """List alerts that hold, the worst first: since when, who was told, or why nobody was."""
    async with open_alerts(settings) as opened:
        if silences:
            print_rows([silence_row(each) for each in await opened.board.silences()], as_json=as_json, empty="no silences")
            return
        found = [each for each in await opened.board.alerts() if with_ended or each.state != "resolved"]
    rows = [_row(each) for each in found]
    if as_json:
        rows = [row | {"labels": dict(each.labels), "hint": each.hint} for row, each in zip(rows, found, strict=True)]
    print_rows(rows, as_json=as_json, empty="nothing holds that a rule looks for")


def _row(alert: SeenAlert) -> dict[str, object]:
    return {
        "rule": alert.rule,
        "severity": alert.severity,
        "state": alert.state,
        "what": alert.summary,
        "labels": " ".join(f"{name}={value}" for name, value in alert.labels.items()),
        "since": shown_time(alert.resolved_at_us or alert.fired_at_us or alert.began_at_us),
        "told": shown_time(alert.told_at_us),
        "not_told_because": alert.why_untold or None,
    }
