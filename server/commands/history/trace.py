"""`ascend trace ID`: everything on record with one trace id, in order."""

import click

from server.admin.traces import TraceEntry, TraceReader
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings
from server.storage.store import open_store
from server.storage.workflows.runs.traced_runs import SqlTracedRuns
from tools.operation import Json

COLUMNS = ("at", "kind", "what", "person", "ms", "upstream_ms", "outcome", "reason")


@click.command()
@click.argument("trace_id")
@json_option
@with_settings
@run_async
async def command(settings: Settings, trace_id: str, as_json: bool) -> None:
    """Show everything with TRACE_ID, which every answer and log line names: calls, steps of plans, model calls, runs, changes."""
    required_data(settings)
    wanted = trace_id.strip().lower()
    async with open_store(settings) as store:
        runs = SqlTracedRuns(store.database)
        reader = TraceReader(store.calls, store.model_calls, store.audit_trail, store.subjects, store.event_lines, runs)
        found = await reader.of(wanted)
    if not found:
        rule = "calls stay for 30 days, and a killed process loses those of its last 0.25 s"
        raise CommandFailed(f"nothing is on record with trace id {wanted[:64]!r}; {rule}")
    rows = [_row(entry) for entry in found]
    print_rows(rows if as_json else [{name: row.get(name) for name in COLUMNS} for row in rows], as_json=as_json, empty="")


def _row(entry: TraceEntry) -> dict[str, Json]:
    row: dict[str, Json] = {"kind": entry.kind, "what": entry.what, **entry.facts, "person": entry.person, "tenant": entry.tenant_id}
    at = row["at"]
    return {**row, "at": shown_time(at) if isinstance(at, int) else at}
