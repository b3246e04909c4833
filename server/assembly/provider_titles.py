"""What people call their providers."""

from oauth.tenants import Tenants
from server.storage.change_feed import Change, ChangeFeed
from tools.sources.builtin import PROVIDER as BUILT_IN
from tools.stores import OperationStore


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

    def listen(self, feed: ChangeFeed) -> None:
        """Take over imports and removals, of this process or another."""
        feed.listen("operations", self._changed)

    async def _changed(self, _changes: list[Change]) -> None:
        await self.load()

    def __call__(self, tenant_id: str, provider: str) -> str:
        """Return the title of what `tenant_id` knows as `provider`; built-ins are the gateway's own."""
        if provider == BUILT_IN:
            return "this gateway"
        return self._titles.get((tenant_id, provider)) or self._titles.get((None, provider)) or provider
