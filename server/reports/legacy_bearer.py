"""Who still comes with a static bearer token: what has to sign in before the tenant's end date."""

from datetime import UTC, datetime

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from tools.operation import Json
from tools.workflows.jobs.report import finding


async def legacy_bearer(sources: Sources, scope: Scope) -> Report:
    """Return the static tokens with their uses; those used since the scope begins are findings, as are those that nobody uses."""
    rows: list[list[Json]] = []
    findings = []
    for tenant in await sources.store.tenants.all():
        if scope.tenant_id not in (None, tenant.tenant_id):
            continue
        for token in await sources.store.static_tokens.of_tenant(tenant.tenant_id):
            used = datetime.fromtimestamp(token.last_used_at, UTC).date().isoformat() if token.last_used_at else None
            rows.append([tenant.tenant_id, token.label, token.calls, used, tenant.static_tokens_until])
            if token.last_used_at and token.last_used_at * 1e6 >= scope.from_us:
                said = f"{token.calls:,} calls, the last on {used}; it ends with {tenant.static_tokens_until or 'nothing: they are off'}"
                findings.append(finding("in-use", token.label, said, "have its caller sign in (docs/guides/authorization.md)"))
            else:
                findings.append(finding("idle", token.label, "nobody used it in this time", f"ascend token static revoke {token.token_id}"))
    columns = ("tenant", "label", "calls", "last used", "ends")
    figures = (Figure("static tokens", len(rows)),)
    return Report("Static bearer tokens", figures, (Table("Tokens", columns, rows_of(rows)),), tuple(findings), {"tokens": len(rows)})
