"""`ascend calls`: what was called, the newest first, and why it failed."""

from collections.abc import Sequence
from datetime import datetime

import click

from server.admin.nouns.records.calls import CLASSES, Names, call_row, names_of
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import PointInTime, shown_time
from server.commands.user import known_subject, known_tenant
from server.config.settings import Settings
from server.storage.history.calls import CallFilter, KeptCall
from server.storage.store import Store, open_store
from tools.operation import Json

#: what a line of a terminal has room for; --json has everything
COLUMNS = ("at", "tenant", "person", "operation", "ms", "upstream_ms", "outcome", "reason", "trace_id")


@click.command()
@click.option("--since", type=PointInTime(), default="24h", show_default=True, help="From when: a day, a time, or 24h (ago).")
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only.")
@click.option("--user", default=None, metavar="EMAIL", help="Of this person only; needs --tenant.")
@click.option("--operation", default=None, metavar="ID", help="Of this operation only.")
@click.option("--class", "error_class", type=click.Choice(CLASSES), default=None, help="Whose affair it was.")
@click.option("--failed", is_flag=True, help="Only what failed, or waits for somebody.")
@click.option("--slower-than", "at_least_ms", type=click.FloatRange(0), default=None, metavar="MS", help="Only what took at least so long.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest first.")
@json_option
@with_settings
@run_async
async def command(
    settings: Settings,
    since: datetime,
    tenant: str | None,
    user: str | None,
    operation: str | None,
    error_class: str | None,
    failed: bool,
    at_least_ms: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show calls: who, which operation, how long it and its upstream took, and why it failed. Arguments and answers are not kept."""
    required_data(settings)
    if user is not None and tenant is None:
        raise click.UsageError("--user: say of which tenant, with --tenant NAME")
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        subject = None if user is None or tenant is None else (await known_subject(store, tenant, user)).subject_id
        which = CallFilter(
            since_us=int(since.timestamp() * 1_000_000),
            tenant_id=tenant,
            subject=subject,
            operation=operation,
            error_class=error_class,
            at_least_ms=at_least_ms,
            failures_only=failed,
        )
        found = await store.calls.calls(which, limit)
        names = await people_of(store, found)
    rows = [shown(kept, names) for kept in found]
    print_rows(rows if as_json else [{name: row[name] for name in COLUMNS} for row in rows], as_json=as_json, empty="no such calls")


def shown(kept: KeptCall, names: Names) -> dict[str, Json]:
    """Return a call as commands show it."""
    return {**call_row(kept, names), "at": shown_time(kept.record.called_at_us)}


async def people_of(store: Store, found: Sequence[KeptCall]) -> Names:
    """Return the e-mail of whoever made these calls; who is gone has none."""
    return await names_of(store.subjects, {(kept.record.tenant_id, kept.record.subject) for kept in found})
