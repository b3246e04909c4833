"""Secrets and keys that have been the same for long, and tokens that nothing rotates."""

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import DAY_US, Scope, Sources
from tools.operation import Json
from tools.workflows.jobs.report import finding

ROTATE_AFTER_DAYS = 90


async def rotation(sources: Sources, scope: Scope) -> Report:
    """Return what is older than ROTATE_AFTER_DAYS at the scope's end: named secrets, data keys, callers' keys, static tokens."""
    store = sources.store
    aged: list[tuple[str, str, str, int]] = [
        (each.kind, each.tenant_id, each.name, each.since_us) for each in await store.secret_ages.of(scope.tenant_id)
    ]
    tenants = [tenant.tenant_id for tenant in await store.tenants.all()] if scope.tenant_id is None else [scope.tenant_id]
    for tenant_id in tenants:
        for key in await store.caller_keys.of_tenant(tenant_id):
            if key.revoked_at_us is None:
                aged.append(("caller key", tenant_id, f"{key.name} ({key.key_id})", key.created_at_us))
        for token in await store.static_tokens.of_tenant(tenant_id):
            aged.append(("static token", tenant_id, f"{token.label} ({token.token_id})", round(token.created_at * 1e6)))
    rows: list[list[Json]] = []
    findings = []
    for kind, tenant_id, name, since_us in sorted(aged, key=lambda each: each[3]):
        days = (scope.to_us - since_us) // DAY_US
        if days < ROTATE_AFTER_DAYS:
            continue
        rows.append([kind, tenant_id, name, days])
        findings.append(finding("old", f"{kind} {name}", f"of tenant {tenant_id}, the same for {days} days", _WAY_OUT[kind]))
    table = Table("The same for long", ("kind", "tenant", "name", "days"), rows_of(rows))
    return Report("Due to be renewed", (Figure("secrets and keys", len(aged)),), (table,), tuple(findings), {"secrets": len(aged)})


_WAY_OUT = {
    "secret": "renew it where it comes from, then ascend vault put NAME",
    "data key": "ascend vault rotate",
    "caller key": "ascend ai key mint another, move its callers, then ascend ai key revoke",
    "static token": "let its caller sign in, or mint another and revoke this one",
}
