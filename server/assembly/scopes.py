"""Which scopes there are, which of them a subject may use, and what people call their providers."""

from oauth.scope_narrowing import STANDING
from oauth.subject_stores import SubjectStore
from oauth.tenants import Tenants
from server.storage.change_feed import Change
from tools.catalog import Catalog
from tools.providers.builtin import PROVIDER as BUILT_IN
from tools.stores import OperationStore


class SubjectScopes:
    """Derived from the catalogue of the subject's tenant and from what the tenant's administrator allows the subject."""

    def __init__(self, subjects: SubjectStore, catalog: Catalog) -> None:
        self._subjects = subjects
        self._catalog = catalog
        #: tenant_id -> (revision of its catalogue, scopes of its operations)
        self._known: dict[str, tuple[str, frozenset[str]]] = {}

    def of_providers(self, tenant_id: str) -> frozenset[str]:
        """Return the scopes of all operations that the tenant sees."""
        view = self._catalog.visible(tenant_id)
        revision, scopes = self._known.get(tenant_id, ("", frozenset()))
        if revision != view.revision:
            scopes = frozenset(operation.required_scope for operation in view.operations_by_id.values())
            self._known[tenant_id] = (view.revision, scopes)
        return scopes

    async def allowed(self, tenant_id: str, subject_id: str) -> frozenset[str]:
        """Return every scope that the subject may grant; none for an unknown or disabled one."""
        subject = await self._subjects.get(tenant_id, subject_id)
        if subject is None or subject.disabled:
            return frozenset()
        every = STANDING | self.of_providers(tenant_id)
        return every if subject.allowed_scopes is None else every & subject.allowed_scopes


class ProviderTitles:
    """What a provider's document calls itself, for pages: a snapshot, loaded anew when an import changes it."""

    def __init__(self, store: OperationStore, tenants: Tenants) -> None:
        self._store, self._tenants = store, tenants
        #: (tenant_id or None for shared, provider) -> title
        self._titles: dict[tuple[str | None, str], str] = {}

    async def load(self) -> None:
        """Read the titles of all sources."""
        owners = [None, *(tenant.tenant_id for tenant in self._tenants.all())]
        self._titles = {(owner, source.provider): source.title for owner in owners for source in await self._store.sources(owner)}

    async def changed(self, _changes: list[Change]) -> None:
        """Take over an import or a removal."""
        await self.load()

    def __call__(self, tenant_id: str, provider: str) -> str:
        """Return the title of what `tenant_id` knows as `provider`; built-ins are the gateway's own."""
        if provider == BUILT_IN:
            return "this gateway"
        return self._titles.get((tenant_id, provider)) or self._titles.get((None, provider)) or provider
