"""`ascend alert deliveries`: what became of messages."""

import click

from server.commands.alert.opened import open_alerts
from server.commands.frame import json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings


@click.command()
@click.option("--rule", default=None, metavar="NAME", help="Of this rule only.")
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 1_000), help="How many, the newest first.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, rule: str | None, limit: int, as_json: bool) -> None:
    """List messages to sinks: sent, waiting for another try, or given up, and why."""
    async with open_alerts(settings) as opened:
        found = await opened.board.deliveries(limit, rule)
    rows: list[dict[str, object]] = [
        {
            "delivery": each.delivery_id,
            "sink": each.sink,
            "rule": each.rule,
            "state": each.state,
            "made": shown_time(each.created_at_us),
            "tries": each.attempts,
            "again": shown_time(each.next_at_us) if each.state == "waiting" else None,
            "why": each.error or None,
        }
        for each in found
    ]
    print_rows(rows, as_json=as_json, empty="no message was sent yet; `ascend alert test` sends one")
