"""Schedules and their runs as rows, and reports as lines."""

from collections.abc import Mapping, Sequence

from server.commands.rows import print_rows
from server.commands.terminal import say
from server.commands.times import shown_time
from tools.operation import Json
from tools.workflows.ingestion.accounts import WITH_ACCOUNT
from tools.workflows.schedules.schedule import Schedule, ScheduleRun


def schedule_row(schedule: Schedule, last: ScheduleRun | None, people: Mapping[str, str]) -> dict[str, object]:
    """Return a schedule with its last slot; `people`: subject -> e-mail address."""
    acts_for = schedule.acts_for.subject if schedule.acts_for else ""
    return {
        "name": schedule.name,
        "workflow": schedule.workflow,
        "cron": schedule.cron.expression,
        "zone": schedule.cron.zone,
        "as": people.get(acts_for, acts_for),
        "next": "paused" if schedule.is_paused else shown_time(schedule.next_at_us) or _when_none(schedule),
        "last": shown_time(last.started_at_us) if last else None,
        "went": went(last) if last else None,
    }


def _when_none(schedule: Schedule) -> str:
    if schedule.origin != "builtin":
        return "never"
    is_with_account = schedule.name in WITH_ACCOUNT
    return f"with an account of {WITH_ACCOUNT[schedule.name].title}" if is_with_account else "paused by the configuration"


def run_row(run: ScheduleRun) -> dict[str, object]:
    took_s = None if run.ended_at_us is None or not run.run_id else round((run.ended_at_us - run.started_at_us) / 1e6, 1)
    return {
        "schedule": run.name,
        "slot": shown_time(run.slot_us),
        "cause": run.cause,
        "state": run.state,
        "started": shown_time(run.started_at_us),
        "took_s": took_s,
        "missed": run.missed or None,
        "findings": run.report["counts"].get("findings") if run.report and isinstance(run.report.get("counts"), dict) else None,
        "reason": run.reason or None,
    }


def went(run: ScheduleRun) -> str:
    """Say in a few words how a run went."""
    row = run_row(run)
    return f"{run.state}, {row['findings']} finding{'' if row['findings'] == 1 else 's'}" if row["findings"] is not None else run.state


def say_report(report: Mapping[str, Json]) -> None:
    """Print a report: its counts in one line, figures and tables where it has them, each finding with what to do below it."""
    counts = ", ".join(f"{count} {name}" for name, count in report["counts"].items()) if isinstance(report.get("counts"), dict) else ""
    say(f"{report['title']} ({counts}), {report.get('checked_at')}")
    for figure in _mappings(report.get("figures")):
        before = f"  (before: {_number(figure['before'], figure)})" if figure.get("before") is not None else ""
        say(f"  {figure['name']}: {_number(figure.get('value'), figure)}{before}")
    for table in _mappings(report.get("tables")):
        columns, rows = table.get("columns"), table.get("rows")
        if isinstance(columns, list) and isinstance(rows, list) and rows:
            say(f"  {table['title']}:")
            print_rows([dict(zip(map(str, columns), row, strict=False)) for row in rows if isinstance(row, list)], as_json=False, empty="")
    for each in _mappings(report["findings"]):
        say(f"  {each.get('kind')}: {each.get('about')}: {each.get('message')}")
        if each.get("hint"):
            say(f"    {each['hint']}")
    if left_out := report.get("left_out"):
        say(f"  and {left_out} more that had no room")


def _mappings(value: Json) -> Sequence[Mapping[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Json, figure: Mapping[str, Json]) -> str:
    if value is None:
        return "nobody knows"
    unit = figure.get("unit")
    written = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"${written}" if unit == "usd" else f"{written} {unit}".rstrip()
