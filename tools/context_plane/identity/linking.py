"""Whom a mention is about: an entity that is there, by key or by name, or a new one (context contract §1, Identity)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.facts import EVERYBODY, Entity, EntityKey
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.identity.keys import ALIAS, NAME_IN_SOURCE, PEOPLE, THING, WEAK, Key, Mention, by_strength, in_conflict
from tools.context_plane.identity.sight import hidden_roots, seen_by
from tools.context_plane.ids import ENTITY, id_text, new_id
from tools.context_plane.stores import ContextRows


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several bear the name, and nothing says which; no candidates: the number names nobody."""

    candidates: tuple[int, ...]


def linked(rows: ContextRows, together: Sequence[tuple[Mention, ...]], source: str, audience: str) -> dict[Mention, int | Ambiguous]:
    """Return the entity of each mention, even where it is merged into another; those that are new are added, and so are new keys.

    `together`: mentions of which none is made where one is ambiguous, like the subject and the object of a fact. The same key links,
    whatever the name. Without one, the same kind and normal name link where no key conflicts and one candidate is left; people are
    linked by name within one `source` only. A bare name is whoever alone bears it, of any kind; a thing that was only named so far takes
    the kind of whoever names it with one.

    What is said for an `audience` is about what that audience may know of. What is private adds neither a name, a key nor a kind to
    what others know, and is about its own where both bear the name.
    """
    known = _Known(rows, {mention for mentions in together for mention in mentions}, source, audience)
    found: dict[Mention, int | Ambiguous] = {}
    for mentions in together:
        doubts: dict[Mention, int | Ambiguous] = {mention: doubt for mention in mentions if (doubt := known.doubt_of(mention)) is not None}
        found.update(doubts or {mention: known.entity_of(mention) for mention in mentions})
    rows.add_entities(known.new_entities, known.new_keys)
    rows.set_kinds(known.new_kinds)
    return found


def referred(rows: ContextRows, mention: Mention, audiences: Collection[str] | None) -> tuple[int, ...]:
    """Return whom a caller may mean by a mention: one by its number or a key, else all that bear the name, people too; nothing is made.

    `audiences`: whom those alone are there for of which they may know; None: for everybody.
    """
    if mention.entity_id is not None:
        root = roots_of(rows, [mention.entity_id])[mention.entity_id]
        return (root,) if rows.entities(seen_by(rows, [root], audiences)) else ()
    by_key = rows.entities_by_key(by_strength(mention.keys))
    seen = seen_by(rows, {each for ids in by_key.values() for each in ids}, audiences)
    ids = [each for key in by_strength(mention.keys) for each in by_key.get(key, ()) if each in seen][:1]
    if not ids and mention.name:
        named = rows.entities_by_name([(mention.kind, mention.normal_name)]).get((mention.kind, mention.normal_name), ())
        known_as = rows.entities_by_key([(ALIAS, mention.normal_name)]).get((ALIAS, mention.normal_name), ())
        ids = [*seen_by(rows, {*named, *known_as}, audiences)]
    return tuple(sorted(set(roots_of(rows, ids).values())))


def meant_entity(rows: ContextRows, mention: Mention, audiences: Collection[str] | None) -> int:
    """Return the one entity that a caller means, of those that these audiences may know of; None: of all.

    Raises ContextRefused: not_found, conflict where several bear the name.
    """
    found = referred(rows, mention, audiences)
    if not found:
        raise nothing_there("entity")
    if len(found) > 1:
        ids = ", ".join(id_text(ENTITY, each) for each in found[:5])
        raise ContextRefused("conflict", f"{mention.name!r} may be any of {ids}", hint="give one of these ids")
    return found[0]


class _Known:
    """The entities that a list of mentions may be about, by key and by name, and those that come up while it is gone through."""

    def __init__(self, rows: ContextRows, mentions: Collection[Mention], source: str, audience: str) -> None:
        self._source, self._is_private = source, audience != EVERYBODY
        self.new_entities: list[Entity] = []
        self.new_keys: list[EntityKey] = []
        #: of entities that were there
        self.new_kinds: dict[int, str] = {}
        keys = {key for mention in mentions for key in self._keys(mention)}
        named = [mention for mention in mentions if mention.name and mention.kind not in PEOPLE]
        names = {(kind, mention.normal_name) for mention in named for kind in (mention.kind, "")}
        by_key = rows.entities_by_key(keys | {(ALIAS, name) for _kind, name in names})
        by_name = rows.entities_by_name(names)
        numbers = {each for ids in (*by_key.values(), *by_name.values()) for each in ids}
        roots = roots_of(rows, numbers | {mention.entity_id for mention in mentions if mention.entity_id is not None})
        families = families_of(rows, set(roots.values()))
        hidden = hidden_roots(rows, families, {EVERYBODY, audience})
        roots = {each: root for each, root in roots.items() if root not in hidden}
        #: roots of which nobody else knows
        self._own = {*hidden_roots(rows, families, {EVERYBODY})} if self._is_private else set()
        keys_of = rows.keys_of({member for family in families.values() for member in family})
        self._kinds = {entity_id: entity.kind for entity_id, entity in rows.entities(roots.keys()).items()}
        self._roots = dict(roots)
        self._by_key = {key: dict.fromkeys(each for each in ids if each in roots) for key, ids in by_key.items()}
        self._by_name = {name: dict.fromkeys(each for each in ids if each in roots) for name, ids in by_name.items()}
        #: of a root, with those of all that it stands for
        self._keys_of: defaultdict[int, set[Key]] = defaultdict(set)
        for root, family in families.items():
            self._keys_of[root] = {(key.key_kind, key.key) for member in family for key in keys_of.get(member, ())}

    def doubt_of(self, mention: Mention) -> Ambiguous | None:
        """Return why nobody can say whom a mention is about; None where that is clear."""
        if mention.entity_id is not None:
            return None if mention.entity_id in self._kinds else Ambiguous(())
        keys = self._keys(mention)
        if self._owner(keys) is not None:
            return None
        candidates = {self._roots[each] for each in self._of_name(mention, keys)}
        return Ambiguous(tuple(sorted(candidates))) if len(candidates) > 1 else None

    def entity_of(self, mention: Mention) -> int:
        """Return the entity of a mention that is in no doubt: itself, whatever it is merged into, so that links can be undone."""
        if mention.entity_id is not None:
            return mention.entity_id
        keys = self._keys(mention)
        found = self._owner(keys)
        if found is None:
            # Of several that are one, the one that stands for them.
            found = min(self._of_name(mention, keys), key=lambda each: (self._roots[each] != each, each), default=None)
        return self._new(mention, keys) if found is None else self._with(found, mention, keys)

    def _owner(self, keys: Iterable[Key]) -> int | None:
        owners = [owner for key in by_strength(keys) for owner in self._by_key.get(key, ())]
        return next(iter(self._nearest(owners)), None)

    def _nearest(self, entity_ids: list[int]) -> list[int]:
        """Return those of which nobody else knows, where there are any."""
        return [each for each in entity_ids if self._roots[each] in self._own] or entity_ids

    def _keys(self, mention: Mention) -> list[Key]:
        keys = list(mention.keys)
        if mention.kind in PEOPLE and not by_strength(keys):
            keys.append((NAME_IN_SOURCE, f"{self._source}: {mention.normal_name}"))
        return keys

    def _of_name(self, mention: Mention, keys: Iterable[Key]) -> list[int]:
        if mention.kind in PEOPLE or not mention.name:
            return []
        known_as = self._by_key.get((ALIAS, mention.normal_name), {})
        named = {**self._by_name.get((mention.kind, mention.normal_name), {}), **known_as}
        if not named:
            # What was only called by its name so far turns out to be of this kind.
            of_any_kind = self._by_name.get(("", mention.normal_name), {})
            named = {each: None for each in of_any_kind if self._kinds[each] == THING}
        return self._nearest([each for each in named if not in_conflict(keys, self._keys_of[self._roots[each]])])

    def _with(self, entity_id: int, mention: Mention, keys: Iterable[Key]) -> int:
        """Give an entity the keys and the kind that it did not have, and the name by which it was not known."""
        if self._is_private and self._roots[entity_id] not in self._own:
            # Others would find it by what was said to one alone.
            return entity_id
        if mention.kind not in ("", self._kinds[entity_id]) and self._kinds[entity_id] == THING:
            self._kinds[entity_id] = self.new_kinds[entity_id] = mention.kind
            self._by_name.setdefault((mention.kind, mention.normal_name), {})[entity_id] = None
        more = list(keys)
        if mention.kind not in PEOPLE and mention.name and not self._bears(entity_id, mention.normal_name):
            more.append((ALIAS, mention.normal_name))
        self._add_keys(entity_id, more)
        return entity_id

    def _bears(self, entity_id: int, name: str) -> bool:
        return entity_id in self._by_name.get(("", name), ())

    def _new(self, mention: Mention, keys: Iterable[Key]) -> int:
        name = mention.name or next((key for _kind, key in keys), "")
        named = Mention(name=name, kind=mention.kind or THING)
        entity = Entity(entity_id=new_id(), kind=named.kind, name=name, normal_name=named.normal_name)
        self.new_entities.append(entity)
        self._roots[entity.entity_id] = entity.entity_id
        self._own |= {entity.entity_id} if self._is_private else set()
        self._kinds[entity.entity_id] = entity.kind
        for kind in (entity.kind, ""):
            self._by_name.setdefault((kind, entity.normal_name), {})[entity.entity_id] = None
        self._add_keys(entity.entity_id, keys)
        return entity.entity_id

    def _add_keys(self, entity_id: int, keys: Iterable[Key]) -> None:
        for key in keys:
            owners = self._by_key.setdefault(key, {})
            # A strong key that another has stays there: that the two are one is for somebody to say.
            if entity_id not in owners and (key[0] in WEAK or not owners):
                owners[entity_id] = None
                self._keys_of[self._roots[entity_id]].add(key)
                self.new_keys.append(EntityKey(key_kind=key[0], key=key[1], entity_id=entity_id))
