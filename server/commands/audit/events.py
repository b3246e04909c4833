"""`ascend audit events`: who did what, the newest first."""

from datetime import datetime

import click
import orjson

from oauth.audit import SecurityEvent
from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import PointInTime, shown_time
from server.commands.user import known_tenant
from server.config.settings import Settings
from server.storage.audit.chain import AuditRow
from server.storage.store import open_store
from tools.operation import Json

_SHOWN = ("at", "tenant", "actor", "surface", "action", "target", "details")


@click.command()
@click.option("--tenant", default=None, metavar="NAME", help="Of this tenant only.")
@click.option("--since", type=PointInTime(), default="7d", show_default=True, help="From when: a day, a time, or 24h (ago).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, the newest first.")
@click.option("--changes-only", is_flag=True, help="Leave out sign-ins, consents and what happened to tokens.")
@json_option
@with_settings
@run_async
async def command(settings: Settings, tenant: str | None, since: datetime, limit: int, changes_only: bool, as_json: bool) -> None:
    """Show who did what: commands, forms, the administration's API, and what happened to sign-ins, clients, grants and tokens."""
    required_data(settings)
    since_us = int(since.timestamp() * 1_000_000)
    async with open_store(settings) as store:
        if tenant is not None:
            await known_tenant(store, tenant)
        rows_of = store.audit_trail.rows(tenant_id=tenant, with_predecessors=True, since_us=since_us, limit=limit)
        found = [changed(row) for row in await rows_of]
        if not changes_only:
            found += [
                happened(event) for event in await store.audit_trail.security_events(tenant_id=tenant, since_us=since_us, limit=limit)
            ]
    # Times as text sort as times.
    newest = sorted(found, key=lambda row: str(row["at"]), reverse=True)[:limit]
    rows = newest if as_json else [{**{name: row[name] for name in _SHOWN}, "details": _in_words(row["details"])} for row in newest]
    print_rows(rows, as_json=as_json, empty="nothing was changed since then")


def changed(row: AuditRow) -> dict[str, Json]:
    """Return a row of the trail as it is listed."""
    return {
        "at": shown_time(row.at_us),
        "tenant": row.tenant_id,
        "actor": row.actor,
        "surface": row.surface,
        "action": row.action,
        "target": row.target,
        "details": orjson.loads(row.details),
        "trace_id": row.trace_id,
        "seq": row.seq,
    }


def happened(event: SecurityEvent) -> dict[str, Json]:
    """Return a security event as it is listed; it is no part of the chain."""
    return {
        "at": shown_time(round(event.at * 1_000_000)),
        "tenant": event.tenant_id,
        "actor": event.subject,
        "surface": "oauth",
        "action": event.action,
        "target": event.client_id or event.grant_id,
        "details": dict(event.facts),
        "trace_id": "",
        "seq": None,
    }


def _in_words(details: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items()) if isinstance(details, dict) else ""
