"""`ascend trace ID`: everything on record with one trace id, in order."""

import click

from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.history.calls import people_of, shown
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings
from server.storage.store import open_store
from tools.ai_gateway.records.log_row import log_row
from tools.operation import Json

COLUMNS = ("at", "kind", "what", "person", "ms", "upstream_ms", "outcome", "reason")


@click.command()
@click.argument("trace_id")
@json_option
@with_settings
@run_async
async def command(settings: Settings, trace_id: str, as_json: bool) -> None:
    """Show everything with TRACE_ID, which every answer and log line names: calls, steps of plans, model calls, changes."""
    required_data(settings)
    wanted = trace_id.strip().lower()
    async with open_store(settings) as store:
        calls = await store.calls.trace(wanted)
        names = await people_of(store, calls)
        models = await store.model_calls.of_trace(wanted)
        changes = await store.audit_trail.of_trace(wanted)
    found: list[tuple[int, dict[str, Json]]] = []
    for kept in calls:
        row = shown(kept, names)
        found.append((kept.record.called_at_us, {"kind": "step" if kept.record.step else "call", "what": row["operation"], **row}))
    for model in models:
        seen = {"kind": "model call", "what": f"{model.provider}/{model.model}", "person": model.user}
        found.append((model.at_us, {**log_row(model), **seen}))
    for change in changes:
        seen = {"kind": "change", "what": change.action, "person": change.actor}
        found.append((change.at_us, {**seen, "at": shown_time(change.at_us), "tenant": change.tenant_id}))
    if not found:
        rule = "calls stay for 30 days, and a killed process loses those of its last 0.25 s"
        raise CommandFailed(f"nothing is on record with trace id {wanted[:64]!r}; {rule}")
    rows = [row for _at_us, row in sorted(found, key=lambda each: each[0])]
    print_rows(rows if as_json else [{name: row.get(name) for name in COLUMNS} for row in rows], as_json=as_json, empty="")
