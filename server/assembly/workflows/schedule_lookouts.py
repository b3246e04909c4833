"""What built-in schedules look at before they start anything: a tenant without it has no run, and no report of nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from oauth.tenants import DEFAULT_TENANT, Tenants
from server.config.backup_folder import are_backups_kept, have_backup_keys
from server.config.settings import Settings
from server.storage.database import now_us
from server.storage.history.call_figures import SqlCallFigures
from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.store import Store
from tools.workflows.ingestion.accounts import AT_PROVIDER, INGESTIONS
from tools.workflows.jobs.docs_freshness import DocsFreshness
from tools.workflows.schedules.slots import Lookout


@dataclass(frozen=True, slots=True)
class ScheduleLookouts:
    """Each is asked whether a tenant has something to look at.

    The default tenant is the operator's: it looks after backups, and its reports are of everybody (report_jobs).
    """

    settings: Settings
    store: Store
    tenants: Tenants
    figures: SqlCallFigures
    freshness: DocsFreshness

    def by_schedule(self) -> Mapping[str, Lookout]:
        """Return them by the name of their schedule. What they look at also has schedules loaded (server/storage/workflows/use.py)."""
        return {
            "token-health": self._has_connections,
            "error-pattern": partial(self._has_calls, within_us=HOUR_US),
            "docs-freshness": self._has_sources,
            "backup": self._has_keys,
            "backup-verify": self._has_backups,
            "weekly-digest": partial(self._has_calls, within_us=7 * DAY_US),
            "legacy-bearer": self._has_static_tokens,
            "rotation-reminder": self._has_secrets,
            "sample-audit": partial(self._has_calls, within_us=30 * DAY_US),
            "zero-use": partial(self._has_calls, within_us=30 * DAY_US),
            "cost-report": self._has_spent,
            **{each.name: partial(self._is_readable, provider=each.provider) for each in INGESTIONS},
        }

    async def _has_connections(self, tenant_id: str) -> bool:
        return bool(await self.store.connections.of_tenant(tenant_id))

    async def _has_calls(self, tenant_id: str, within_us: int) -> bool:
        return await self.figures.any_since(tenant_id, now_us() - within_us)

    async def _has_sources(self, tenant_id: str) -> bool:
        return bool(await self.freshness.sources_of(tenant_id))

    async def _has_static_tokens(self, tenant_id: str) -> bool:
        whose = [tenant.tenant_id for tenant in self.tenants.all()] if tenant_id == DEFAULT_TENANT else [tenant_id]
        return any([bool(await self.store.static_tokens.of_tenant(each)) for each in whose])

    async def _has_secrets(self, tenant_id: str) -> bool:
        return bool(await self.store.secret_ages.of(_reported_on(tenant_id)))

    async def _has_spent(self, tenant_id: str) -> bool:
        return bool(await self.store.model_calls.usage("provider", _reported_on(tenant_id), now_us() - 30 * DAY_US))

    async def _has_backups(self, tenant_id: str) -> bool:
        return tenant_id == DEFAULT_TENANT and are_backups_kept(self.settings)

    async def _has_keys(self, tenant_id: str) -> bool:
        return tenant_id == DEFAULT_TENANT and have_backup_keys(self.settings)

    async def _is_readable(self, tenant_id: str, provider: str) -> bool:
        imported = {source.provider for owner in (None, tenant_id) for source in await self.store.operations.sources(owner)}
        return provider in imported and provider in await ready_accounts(self.store, tenant_id)


async def ready_accounts(store: Store, tenant_id: str) -> Mapping[str, Sequence[str]]:
    """Return whose accounts are ready, by provider that is read: everybody's first, then those that were connected first."""
    found: dict[str, list[str]] = {}
    for each in sorted(await store.connections.at_providers(tenant_id, AT_PROVIDER), key=lambda one: one.subject != ""):
        if not each.has_ended(time.time()) and each.state == "ready":
            found.setdefault(each.provider, []).append(each.subject)
    return found


def _reported_on(tenant_id: str) -> str | None:
    """Return whom reports of a tenant are of; None: everybody."""
    return None if tenant_id == DEFAULT_TENANT else tenant_id
