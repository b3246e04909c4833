"""Which things that are known a text names: so that whoever looks for an operation hears that the answer is remembered already."""

from tools.context_plane.facts import Entity
from tools.context_plane.identity.names import normal_name
from tools.context_plane.retrieval.stores import KnowledgeStore
from tools.context_plane.stores import ContextRows, ContextStore, Scope

#: names have up to so many words, and of a text so many are looked at
MAX_NAME_WORDS, MAX_WORDS = 4, 40
MAX_NAMES = 3


class KnownNames:
    """Looks names up in the store; a tenant that never kept anything costs nothing after the first time."""

    def __init__(self, store: ContextStore, knowledge: KnowledgeStore) -> None:
        self._store, self._knowledge = store, knowledge
        self._empty: set[str] = set()

    def changed(self, tenant_id: str) -> None:
        """Look again: the tenant has kept something."""
        self._empty.discard(tenant_id)

    async def named_in(self, scope: Scope, text: str) -> tuple[str, ...]:
        """Return up to three names of things in `text` of which `scope` may know something, those with most words first."""
        if scope.tenant_id in self._empty:
            return ()
        if not await self._knowledge.revision(scope.tenant_id):
            self._empty.add(scope.tenant_id)
            return ()
        words = normal_name(text).split()[:MAX_WORDS]
        places = [(start, end) for start in range(len(words)) for end in range(start + 1, min(start + MAX_NAME_WORDS, len(words)) + 1)]
        grams = {("", " ".join(words[start:end])) for start, end in places}
        return await self._store.read(scope.tenant_id, lambda rows: _seen(rows, scope, grams)) if grams else ()


def _seen(rows: ContextRows, scope: Scope, grams: set[tuple[str, str]]) -> tuple[str, ...]:
    ids = {each for found in rows.entities_by_name(grams).values() for each in found}
    known = [entity for entity in rows.entities(ids).values() if _is_seen(rows, scope, entity)]
    longest_first = sorted(known, key=lambda entity: (-len(entity.normal_name.split()), entity.name))
    return tuple(dict.fromkeys(entity.name for entity in longest_first))[:MAX_NAMES]


def _is_seen(rows: ContextRows, scope: Scope, entity: Entity) -> bool:
    # Of a thing that only somebody else's private facts speak of, nobody else hears.
    return any(group.audience in scope.audiences for group in rows.groups_about([entity.entity_id]))
