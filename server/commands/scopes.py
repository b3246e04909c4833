"""What a command that gives tokens out needs to know: who there is, and which scopes they may have."""

from oauth.resources import Resources
from oauth.tenants import Tenants
from server.assembly.scopes import SubjectScopes
from server.config import Settings
from server.storage.store import Store
from tools.catalog import Catalog


async def scoping(settings: Settings, store: Store) -> tuple[Tenants, Resources, SubjectScopes]:
    """Return the tenants, their resources, and what each subject may be given, from what the store has now."""
    catalog = Catalog(store.operations)
    catalog.install(())
    await catalog.load()
    tenants = Tenants(await store.tenants.all())
    return tenants, Resources(tenants, settings.mcp_url, settings.base_url), SubjectScopes(store.subjects, catalog)
