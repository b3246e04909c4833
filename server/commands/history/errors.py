"""`ascend errors`: failures by kind, and which of them somebody looks after."""

from datetime import datetime

import click

from server.admin.nouns.records.errors import STATES, UNRESOLVED, mark_error
from server.commands.command_being_run import operating_system_user
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.refused import admin_refusals_told
from server.commands.rows import print_rows
from server.commands.times import PointInTime, shown_time
from server.config.settings import Settings
from server.storage.store import open_store

COLUMNS = ("error", "class", "code", "operation", "tenant", "count", "first", "last", "reason", "state", "trace_id")


@click.command()
@click.option("--since", type=PointInTime(), default="7d", show_default=True, help="That came since: a day, a time, or 24h (ago).")
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only.")
@click.option("--all", "everything", is_flag=True, help="Also what is resolved.")
@click.option("--acknowledge", default=None, metavar="ERROR", help="Say that somebody looks after it.")
@click.option("--resolve", default=None, metavar="ERROR", help="Say that it is mended; when it comes again, it is open again.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many kinds, those of last first.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    since: datetime,
    tenant: str | None,
    everything: bool,
    acknowledge: str | None,
    resolve: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show failures by kind: how often, first, last, whose affair, and one trace to look at. Numbers in a reason do not part kinds."""
    required_data(settings)
    async with open_store(settings) as store:
        for fingerprint, state in ((acknowledge, "acknowledged"), (resolve, "resolved")):
            if fingerprint is None:
                continue
            with admin_refusals_told():
                await mark_error(store.figures, store.audit_trail, fingerprint, state, operating_system_user(), tenant)
        states = STATES if everything else UNRESOLVED
        found = await store.figures.errors(int(since.timestamp() * 1_000_000), tenant, states=states, limit=limit)
    rows = [
        {
            "error": kind.fingerprint,
            "class": kind.error_class,
            "code": kind.code,
            "operation": kind.operation,
            "tenant": kind.tenant_id,
            "count": kind.count,
            "first": shown_time(kind.first_at_us),
            "last": shown_time(kind.last_at_us),
            "reason": kind.reason,
            "state": f"{kind.state} by {kind.changed_by}" if kind.changed_by else kind.state,
            "trace_id": kind.last_trace_id,
        }
        for kind in found
    ]
    print_rows([{name: row[name] for name in COLUMNS} for row in rows], as_json=as_json, empty="nothing failed")
