"""Proposals as they are shown: who may be one with whom, why, what a model thinks, and what was decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oauth.principal import Principal
from tools.context_plane.arguments.mentions import mention_of
from tools.context_plane.arguments.reader import Reader
from tools.context_plane.facts import Entity
from tools.context_plane.identity.families import families_of
from tools.context_plane.identity.finding import PairFinder
from tools.context_plane.identity.keys import Key, Mention, in_conflict
from tools.context_plane.identity.linking import meant_entity
from tools.context_plane.identity.names import similarity
from tools.context_plane.identity.pair import Pair, PairKey, pair_key
from tools.context_plane.identity.proposals import proposals_for
from tools.context_plane.identity.sight import seen_by
from tools.context_plane.identity.stores import PairStore
from tools.context_plane.ids import ENTITY, id_text
from tools.context_plane.stores import ContextRows, ContextStore, Scope
from tools.operation import Json

LIMIT, MOST = 20, 100
#: steps of comparing for one question: about a second
STEPS = 2
MAX_SHOWN_KEYS = 5


@dataclass(frozen=True, slots=True)
class Proposals:
    """`is_all` False: entities that are new have not all been compared yet."""

    shown: Sequence[Mapping[str, Json]]
    is_all: bool

    def plain(self) -> dict[str, Json]:
        return {"proposals": [dict(each) for each in self.shown], "is_all": self.is_all}


class ProposalList:
    """Lists for one caller, who is shown nobody of whom she may not know."""

    def __init__(self, context: ContextStore, pairs: PairStore) -> None:
        self._context, self._pairs, self._finder = context, pairs, PairFinder(context, pairs)

    async def __call__(self, principal: Principal, arguments: Mapping[str, Json], steps: int = STEPS) -> Proposals:
        """Return who may be one with `entity`, or every pair that is open; `decided`: those that somebody decided; up to `limit`.

        Raises ContextRefused: invalid_arguments, not_found, conflict where several bear the name.
        """
        reader = Reader()
        members = reader.members("", arguments, ("entity", "decided", "limit"))
        mention = None if members.get("entity") is None else mention_of(reader, "entity", members["entity"])
        is_decided = reader.flag("decided", members.get("decided"))
        limit = members.get("limit")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST):
            reader.fault("limit", limit, f"is no whole number from 1 to {MOST}", LIMIT)
        reader.check()
        tenant_id, is_local = principal.tenant_id, principal.auth_method == "local"
        audiences = None if is_local else Scope(tenant_id, principal.subject).audiences
        is_all = True
        if mention is not None:
            keys = await self._context.read(tenant_id, lambda rows: _keys_about(rows, mention, audiences))
            known = {pair.key: pair for pair in await self._pairs.pairs(tenant_id, keys)}
            found = [known.get(key) or Pair(key, 0.0, "") for key in keys]
            pairs = [pair for pair in found if bool(pair.decision) == is_decided]
        elif is_decided:
            pairs = [*await self._pairs.decided(tenant_id, limit or LIMIT)]
        else:
            is_all = await self._compared(tenant_id, steps)
            pairs = [*await self._pairs.open(tenant_id, limit or LIMIT)]
        shown = await self._context.read(tenant_id, lambda rows: _shown(rows, pairs[: limit or LIMIT], audiences))
        return Proposals(shown, is_all)

    async def _compared(self, tenant_id: str, steps: int) -> bool:
        for _ in range(steps):
            if (await self._finder.step(tenant_id))[1]:
                return True
        return False


def _keys_about(rows: ContextRows, mention: Mention, audiences: Collection[str] | None) -> list[PairKey]:
    """Return the pairs of an entity: who may be one with it, and who was decided about."""
    entity_id = meant_entity(rows, mention, audiences)
    links = rows.links_of([entity_id])
    linked = [pair_key(link.entity_id, link.into_id) for link in links if link.unlinked_at_us is None]
    proposed = [pair_key(entity_id, each.other.entity_id) for each in proposals_for(rows, entity_id, audiences)]
    return [*dict.fromkeys((*proposed, *linked))]


def _shown(rows: ContextRows, pairs: Sequence[Pair], audiences: Collection[str] | None) -> list[dict[str, Json]]:
    ids = {each for pair in pairs for each in pair.key}
    entities = rows.entities(seen_by(rows, ids, audiences))
    # Two that are one by another way need nobody's decision.
    there = [
        pair
        for pair in pairs
        if entities.keys() >= set(pair.key) and (pair.decision or not any(entities[each].merged_into for each in pair.key))
    ]
    keys = _keys_of(rows, {each for pair in there for each in pair.key})
    return [_plain(pair, entities, keys) for pair in there]


def _keys_of(rows: ContextRows, entity_ids: Collection[int]) -> Mapping[int, frozenset[Key]]:
    families = families_of(rows, entity_ids)
    keys_of = rows.keys_of({member for family in families.values() for member in family})
    return {each: frozenset((key.key_kind, key.key) for one in family for key in keys_of.get(one, ())) for each, family in families.items()}


def _plain(pair: Pair, entities: Mapping[int, Entity], keys: Mapping[int, frozenset[Key]]) -> dict[str, Json]:
    one, other = pair.key
    return {
        "entity": _entity(entities[one]),
        "other": _entity(entities[other]),
        "similarity": round(similarity(entities[one].normal_name, entities[other].normal_name), 2),
        "shared_keys": [[*key] for key in sorted(keys[one] & keys[other])[:MAX_SHOWN_KEYS]],
        "has_conflicting_keys": in_conflict(keys[one], keys[other]),
        "verdict": pair.verdict or None,
        "reason": pair.reason or None,
        "judged_by": pair.judged_by or None,
        "decision": pair.decision or None,
        "decided_by": pair.decided_by or None,
    }


def _entity(entity: Entity) -> dict[str, Json]:
    return {"id": id_text(ENTITY, entity.entity_id), "kind": entity.kind, "name": entity.name}
