"""What a command that gives tokens out needs to know: who there is, and which scopes they may have."""

from collections.abc import Iterable
from difflib import get_close_matches

from oauth.authorization.scope_narrowing import STANDING, narrow
from oauth.resources import Resources
from oauth.tenants import Tenants
from server.assembly.scopes import SubjectScopes
from server.config.settings import Settings
from server.storage.store import Store
from tools.catalog.catalog import Catalog


async def scoping(settings: Settings, store: Store) -> tuple[Tenants, Resources, SubjectScopes]:
    """Return the tenants, their resources, and what each subject may be given, from what the store has now."""
    catalog = Catalog(store.operations)
    catalog.install(())
    await catalog.load()
    tenants = Tenants(await store.tenants.all())
    return tenants, Resources(tenants, settings.mcp_url, settings.base_url), SubjectScopes(store.subjects, catalog)


def left_out(asked: Iterable[str], granted: frozenset[str], scopes: SubjectScopes, tenant: str) -> str:
    """Return which of the scopes asked for were not granted, each with its reason; nothing where all were."""
    existing = STANDING | scopes.of_providers(tenant)
    return ", ".join(f"{scope} ({_reason(scope, existing)})" for scope in sorted(asked) if not narrow([scope], granted))


def _reason(scope: str, existing: frozenset[str]) -> str:
    if scope in existing:
        return "the user may not use it"
    near = get_close_matches(scope, sorted(existing), 1)
    return "no such scope" + (f"; did you mean {near[0]}?" if near else "")
