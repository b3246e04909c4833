"""Whom a question is about: entities by id, key or name, with all that are one with them."""

from collections.abc import Sequence

from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.facts import Group
from tools.context_plane.identity.families import families_of, roots_of
from tools.context_plane.identity.keys import ALIAS, EMAIL, normal_key
from tools.context_plane.identity.names import normal_name
from tools.context_plane.identity.sight import seen_by
from tools.context_plane.ids import ENTITY, id_number
from tools.context_plane.stores import ContextRows


def entities_meant(rows: ContextRows, named: Sequence[str], audiences: Sequence[str]) -> frozenset[int]:
    """Return the numbers of all that `named` may mean. Raises ContextRefused: not_found, for each that means nobody to these audiences.

    An id is `ent_…`; a key is an e-mail address, an alias or `kind:key`; anything else is a name, of any kind.
    """
    meant = [_meant(rows, text) for text in named]
    found = seen_by(rows, {number for ids in meant for number in ids}, audiences)
    missing = [place for place, ids in enumerate(meant) if found.isdisjoint(ids)]
    if missing:
        failure = nothing_there("entity").failure
        faults = [
            {"path": f"entities[{place}]", "value": named[place][:80], "rule": "an id, a key or a name of an entity"} for place in missing
        ]
        raise ContextRefused("not_found", failure.message, failure.hint, faults)
    families = families_of(rows, set(roots_of(rows, found).values()))
    return frozenset(member for family in families.values() for member in family)


def groups_seen(rows: ContextRows, about: frozenset[int], audiences: Sequence[str]) -> list[Group]:
    """Return the groups about these entities that these audiences may see."""
    return [group for group in rows.groups_about(about) if group.audience in audiences]


def _meant(rows: ContextRows, text: str) -> set[int]:
    if not text:
        return set()
    if text.startswith(f"{ENTITY}_"):
        number = id_number(ENTITY, text)
        return set() if number is None else set(rows.entities([number]))
    kind, _, key = text.partition(":")
    keys = [(EMAIL, normal_key(EMAIL, text)), (ALIAS, normal_key(ALIAS, text)), *([(kind, normal_key(kind, key))] if key else [])]
    by_key, by_name = rows.entities_by_key(keys), rows.entities_by_name([("", normal_name(text))])
    return {number for ids in (*by_key.values(), *by_name.values()) for number in ids}
