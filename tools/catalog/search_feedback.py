"""What calls teach the search: an intent that led to a successful call is an example of what that operation is good for."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from capability_index.ranking.search_feedback import scrubbed
from oauth.principal import Principal
from tools.catalog.catalog import Catalog
from tools.operation import Operation
from tools.stores import UsageExample, UsageStore

#: a call so long after the search was not made because of it
MEMORY_S = 15 * 60.0
MAX_SEARCHES = 10_000
MAX_PENDING = 5_000
MAX_LEARNED = 10_000
#: once may be an accident
MIN_USES = 2


class Learns(Protocol):
    """CapabilityIndex, as far as learning needs it: bounded, expiring, each tenant for itself."""

    def learn(self, tenant_id: str, intent: str, slug: str) -> bool: ...

    def unlearn(self, tenant_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Search:
    intent: str
    operation_ids: frozenset[str]
    at: float


class SearchFeedback:
    """Joins searches to the calls that follow them, in memory; `flush` writes and teaches, away from the calls.

    What a tenant's people ask stays in that tenant: its own rows, its own memory in the index. What could name a person or
    open a door is taken out of an intent before it is kept anywhere.
    """

    def __init__(self, store: UsageStore, index: Learns, catalog: Catalog, clock: Callable[[], float] = time.time) -> None:
        self._store, self._index, self._catalog, self._clock = store, index, catalog, clock
        #: (tenant, subject, client) -> its last search
        self._searches: OrderedDict[tuple[str, str, str], _Search] = OrderedDict()
        #: (tenant, operation, intent) -> uses since the last flush
        self._pending: Counter[tuple[str, str, str]] = Counter()
        #: (tenant, operation, intent) -> uses in all
        self._learned: Counter[tuple[str, str, str]] = Counter()

    @property
    def learned_count(self) -> int:
        """How many examples are counted in memory."""
        return len(self._learned)

    def discovered(self, principal: Principal, intent: str, operation_ids: Iterable[str]) -> None:
        """Take in that `intent` was answered with these operations."""
        words = scrubbed(intent)
        if not words:
            return
        key = (principal.tenant_id, principal.subject, principal.client_id)
        self._searches[key] = _Search(words, frozenset(operation_ids), self._clock())
        self._searches.move_to_end(key)
        if len(self._searches) > MAX_SEARCHES:
            self._searches.popitem(last=False)

    def called(self, principal: Principal, operation: Operation) -> None:
        """Take in that `operation` ran well; where the last search had brought it, its intent is an example."""
        search = self._searches.get((principal.tenant_id, principal.subject, principal.client_id))
        if search is None or operation.id not in search.operation_ids or self._clock() - search.at > MEMORY_S:
            return
        key = (principal.tenant_id, operation.id, search.intent)
        if key in self._pending or len(self._pending) < MAX_PENDING:
            self._pending[key] += 1

    async def load(self) -> None:
        """Teach the index what is on record (start)."""
        for example in await self._store.load_uses(1):
            self._learned[example.tenant_id, example.operation_id, example.intent] += example.uses
        self._teach(list(self._learned))
        self._forget_rare()

    def forget_tenant(self, tenant_id: str) -> None:
        """Forget what people of a tenant searched for, and have the index forget what they taught."""
        for key in [key for key in self._searches if key[0] == tenant_id]:
            del self._searches[key]
        for counts in (self._pending, self._learned):
            for example in [example for example in counts if example[0] == tenant_id]:
                del counts[example]
        self._index.unlearn(tenant_id)

    async def flush(self) -> int:
        """Write what was learned since the last time and teach the index; return how many examples there were."""
        pending, self._pending = self._pending, Counter()
        if not pending:
            return 0
        try:
            await self._store.add_uses([UsageExample(*key, uses) for key, uses in pending.items()])
        except BaseException:
            self._pending.update(pending)
            raise
        self._learned.update(pending)
        self._teach(pending)
        self._forget_rare()
        return len(pending)

    def _forget_rare(self) -> None:
        """Keep the count of what was used most; what is forgotten here stays in the store, and is counted again from the next start."""
        if len(self._learned) > MAX_LEARNED:
            self._learned = Counter(dict(self._learned.most_common(MAX_LEARNED // 2)))

    def _teach(self, changed: Iterable[tuple[str, str, str]]) -> None:
        for tenant_id, operation_id, intent in changed:
            is_known = self._catalog.get(tenant_id, operation_id) is not None
            if is_known and self._learned[tenant_id, operation_id, intent] >= MIN_USES:
                self._index.learn(tenant_id, intent, operation_id)
