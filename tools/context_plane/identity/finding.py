"""Who may be the same, found beside the calls: entities that something new was said of, compared with all others."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping

import orjson

from tools.context_plane.facts import EVERYBODY, Entity
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.identity.keys import Key, in_conflict
from tools.context_plane.identity.likeness import alike
from tools.context_plane.identity.names import similarity
from tools.context_plane.identity.pair import FoundPair, PairKey, pair_key
from tools.context_plane.identity.proposals import MAX_COMPARED
from tools.context_plane.identity.sight import seen_by
from tools.context_plane.identity.stores import PairStore
from tools.context_plane.stores import ContextRows, ContextStore

#: of one step: less than a second's work
CHANGES_AT_ONCE = 300
MAX_OTHERS = 10
#: what a model reads about, and everybody may see: private facts propose nothing
SEEN = (EVERYBODY,)


class PairFinder:
    """Follows a tenant's changes as an index does, and keeps the pairs that they bring up."""

    def __init__(self, context: ContextStore, pairs: PairStore) -> None:
        self._context, self._pairs = context, pairs

    async def step(self, tenant_id: str) -> tuple[bool, bool]:
        """Look at some of what changed; return whether there was anything, and whether that was all."""
        position = await self._pairs.position(tenant_id)
        news = await self._context.facts_since(tenant_id, position, CHANGES_AT_ONCE)
        believed = [each.fact for each in news.facts if each.fact.retired_at_us is None and each.fact.group.audience == EVERYBODY]
        spoken_of = {each for fact in believed for each in (fact.group.subject_id, fact.belief.object_id) if each is not None}
        if news.revision != position:
            found = await self._context.read(tenant_id, lambda rows: _pairs_of(rows, spoken_of)) if spoken_of else []
            await self._pairs.propose(tenant_id, found, news.revision)
        return bool(spoken_of), news.is_all


def _pairs_of(rows: ContextRows, entity_ids: Collection[int]) -> list[FoundPair]:
    """Return pairs of these and others: a key in common, the same name, or names half alike within one kind."""
    roots = seen_by(rows, set(roots_of(rows, entity_ids).values()), SEEN)
    entities = rows.entities(roots)
    candidates = {pair_key(entity_id, other_id) for entity_id, other_id in _alike(rows, entities.values())}
    keys = _keys_of(rows, roots)
    by_key = rows.entities_by_key({key for own in keys.values() for key in own})
    by_name = rows.entities_by_name({("", entity.normal_name) for entity in entities.values()})
    for root, own in keys.items():
        near = {each for key in own for each in by_key.get(key, ())} | {*by_name.get(("", entities[root].normal_name), ())}
        candidates |= {pair_key(root, each) for each in near if each != root}
    root_by_id = roots_of(rows, {each for pair in candidates for each in pair})
    pairs = {pair_key(root_by_id[one], root_by_id[other]) for one, other in candidates if root_by_id[one] != root_by_id[other]}
    others = seen_by(rows, {each for pair in pairs for each in pair}, SEEN)
    known, keys = rows.entities(others), _keys_of(rows, others)
    found = [_found(known[pair.one_id], known[pair.other_id], keys) for pair in pairs if known.keys() >= set(pair)]
    return _nearest(sorted(found, key=lambda each: (each.is_in_conflict, -each.similarity, each.key)))


def _alike(rows: ContextRows, entities: Collection[Entity]) -> set[tuple[int, int]]:
    by_kind: defaultdict[str, list[Entity]] = defaultdict(list)
    for entity in entities:
        by_kind[entity.kind].append(entity)
    return {pair for kind, few in by_kind.items() for pair in alike(few, rows.entities_of_kind(kind, MAX_COMPARED))}


def _keys_of(rows: ContextRows, roots: Collection[int]) -> Mapping[int, frozenset[Key]]:
    families = families_of(rows, roots)
    keys_of = rows.keys_of({member for family in families.values() for member in family})
    return {
        root: frozenset((key.key_kind, key.key) for member in family for key in keys_of.get(member, ()))
        for root, family in families.items()
    }


def _found(one: Entity, other: Entity, keys: Mapping[int, frozenset[Key]]) -> FoundPair:
    own, theirs = keys[one.entity_id], keys[other.entity_id]
    content = [[entity.kind, entity.name, sorted(keys[entity.entity_id])] for entity in (one, other)]
    return FoundPair(
        key=PairKey(one.entity_id, other.entity_id),
        similarity=similarity(one.normal_name, other.normal_name),
        content_hash=hashlib.sha256(orjson.dumps(content)).hexdigest(),
        is_in_conflict=in_conflict(own, theirs),
    )


def _nearest(found: list[FoundPair]) -> list[FoundPair]:
    """Return of the pairs of each entity the first ones: names that are numbered are all alike."""
    counts: defaultdict[int, int] = defaultdict(int)
    kept = []
    for each in found:
        if max(counts[number] for number in each.key) < MAX_OTHERS:
            kept.append(each)
            for number in each.key:
                counts[number] += 1
    return kept
