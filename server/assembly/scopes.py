"""Which scopes there are, and which of them a subject may use."""

from oauth.authorization.scope_narrowing import STANDING
from oauth.scopes import OF_MODELS
from oauth.sign_in.stores import SubjectStore
from tools.catalog.catalog import Catalog


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
            scopes = OF_MODELS | frozenset(operation.required_scope for operation in view.operations_by_id.values())
            self._known[tenant_id] = (view.revision, scopes)
        return scopes

    async def allowed(self, tenant_id: str, subject_id: str) -> frozenset[str]:
        """Return every scope that the subject may grant; none for an unknown or disabled one."""
        subject = await self._subjects.get(tenant_id, subject_id)
        if subject is None or subject.disabled:
            return frozenset()
        every = STANDING | self.of_providers(tenant_id)
        return every if subject.allowed_scopes is None else every & subject.allowed_scopes
