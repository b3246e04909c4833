"""The week in a page: how much, how well, what it cost, what is new and what somebody should do."""

from server.reports.call_totals import totals_in
from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from server.storage.history.figures import ErrorKind
from tools.metering.money import to_usd
from tools.operation import Json
from tools.workflows.jobs.report import finding

#: kinds of failures that a digest names
MOST_ERRORS = 10


async def digest(sources: Sources, scope: Scope) -> Report:
    """Return calls, failures, times, tokens and spending, beside those of the week before; new kinds of failures as findings."""
    store = sources.store
    now, before = await totals_in(store.figures, scope), await totals_in(store.figures, scope.before)
    models = await store.model_calls.usage("provider", scope.tenant_id, scope.from_us, scope.to_us)
    spent = sum(each.cost_nano_usd for each in models)
    exchanges = await store.token_hours.sums(scope.from_us, scope.to_us - 1, scope.tenant_id)
    refreshes = sum(each.requests for each in exchanges if (each.grant_type, each.outcome) == ("refresh_token", "issued"))
    uses = await store.figures.uses(scope.from_us, scope.tenant_id, until_us=scope.to_us - 1)
    kinds = await store.figures.errors(scope.from_us, scope.tenant_id, limit=200)
    # Asked for without an end, because a kind that came again since then was new all the same.
    new = [kind for kind in kinds if scope.from_us <= kind.first_at_us < scope.to_us and kind.error_class in ("ours", "upstream")]
    figures = (
        Figure("calls", now.calls, before=before.calls),
        Figure("failed by us or an upstream", now.error_percent, "percent", before.error_percent),
        Figure("95 of 100 calls took at most", now.percentile_ms(0.95), "ms", before.percentile_ms(0.95)),
        Figure("tokens refreshed", refreshes),
        Figure("spent on models", to_usd(spent), "usd"),
        Figure("operations used", len(uses)),
    )
    most_used = Table(
        "Most used operations", ("operation", "calls", "failures"), rows_of([[u.operation, u.calls, u.failures] for u in uses])
    )
    classes: list[list[Json]] = [[name, count, before.by_class.get(name, 0)] for name, count in sorted(now.by_class.items())]
    failures = Table("Failures by whose affair they were", ("class", "this week", "the week before"), rows_of(classes))
    counts = {"calls": now.calls, "failed": now.failed, "new_errors": len(new)}
    return Report("The week", figures, (most_used, failures), tuple(_said(kind, scope.to_us) for kind in new[:MOST_ERRORS]), counts)


def _said(kind: ErrorKind, to_us: int) -> dict[str, Json]:
    hint = f"`ascend trace {kind.last_trace_id}` shows one of them; `ascend errors --acknowledge {kind.fingerprint}` takes it on"
    # The ledger counts a kind as a whole.
    times = f"{kind.count:,} times" if kind.last_at_us < to_us else f"{kind.count:,} times until now"
    message = f"new this week, {times}: {kind.reason or 'no reason is on record'}"
    return finding(
        "new-error", f"{kind.operation}: {kind.code}", message, hint, {"class": kind.error_class, "trace_id": kind.last_trace_id}
    )
