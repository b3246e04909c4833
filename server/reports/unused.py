"""Operations that nobody used: what could be left out of an import."""

from collections import Counter

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from tools.operation import Json
from tools.workflows.jobs.report import finding


async def unused(sources: Sources, scope: Scope) -> Report:
    """Return how many operations of each provider had no call in the scope; wholly unused providers are findings."""
    known = sources.operations_of(scope.tenant_id)
    used = {use.operation for use in await sources.store.figures.uses(scope.from_us, scope.tenant_id, until_us=scope.to_us - 1)}
    of_provider = Counter(provider for _name, provider in known)
    idle = Counter(provider for name, provider in known if name not in used)
    rows: list[list[Json]] = [[provider, count, of_provider[provider]] for provider, count in idle.most_common()]
    whole = [provider for provider, count in idle.items() if count == of_provider[provider]]
    findings = tuple(
        finding(
            "unused",
            provider,
            f"none of its {of_provider[provider]:,} operations was called",
            "ascend import remove, if nobody will miss it",
        )
        for provider in sorted(whole)
    )
    figures = (Figure("operations", len(known)), Figure("of them without a call", idle.total()))
    table = Table("Without a call, by provider", ("provider", "unused", "of"), rows_of(rows))
    return Report("Unused operations", figures, (table,), findings, {"operations": len(known), "unused": idle.total()})
