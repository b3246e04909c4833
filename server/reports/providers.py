"""How each API and model provider did: calls, failures, connections."""

from collections import Counter

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from tools.operation import Json
from tools.workflows.jobs.report import finding

#: below this many calls a share says nothing
FEW_CALLS = 20
BAD_PERCENT = 5.0


async def providers(sources: Sources, scope: Scope) -> Report:
    """Return the providers by their calls in the scope; those of which more than BAD_PERCENT failed are findings."""
    uses = await sources.store.figures.uses(scope.from_us, scope.tenant_id, until_us=scope.to_us - 1)
    calls: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for use in uses:
        name = use.operation.partition(".")[0]
        calls[name] += use.calls
        failures[name] += use.failures
    models = await sources.store.model_calls.usage("provider", scope.tenant_id, scope.from_us, scope.to_us)
    rows: list[list[Json]] = [[name, count, failures[name], _percent(failures[name], count)] for name, count in calls.most_common()]
    of_models: list[list[Json]] = [
        [each.of or "none was reached", each.calls, each.errors, _percent(each.errors, each.calls)] for each in models
    ]
    columns = ("provider", "calls", "failed", "percent")
    bad = [
        (name, failed, count)
        for name, failed, count in [(name, failures[name], count) for name, count in calls.items()]
        + [(m.of, m.errors, m.calls) for m in models]
        if count >= FEW_CALLS and 100 * failed / count > BAD_PERCENT
    ]
    findings = tuple(
        finding("failing", name, f"{failed:,} of {count:,} calls failed", "ascend errors shows how; `ascend calls --failed` when")
        for name, failed, count in sorted(bad, key=lambda each: -each[1])
    )
    tables = (Table("APIs", columns, rows_of(rows)), Table("Providers of models", columns, rows_of(of_models)))
    return Report("Providers", (Figure("providers called", len(calls) + len(models)),), tables, findings, {"providers": len(calls)})


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
