"""Keys: what a source knows somebody by. Strong ones name one entity; weak ones are shared, and only propose."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tools.context_plane.identity.names import normal_name

EMAIL, ALIAS = "email", "alias"
#: a person's name within one source, which is all that this source has to tell people apart by
NAME_IN_SOURCE = "name_in_source"
#: several may have the same one
WEAK = frozenset({"phone", "domain", "website", "address"})
#: one entity has several of them, so a different one is no conflict
MANY_OF_ONE = frozenset({ALIAS, NAME_IN_SOURCE})
#: two of one name are two people more often than not
PEOPLE = frozenset({"person", "people", "contact", "lead", "user", "employee", "participant", "speaker"})
#: of a bare name that nobody bears yet
THING = "thing"

#: key_kind, key
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mention:
    """How somebody is referred to: by number; or by kind, name and keys. A bare name (kind '') is whoever alone bears it."""

    name: str = ""
    kind: str = ""
    keys: tuple[Key, ...] = ()
    entity_id: int | None = None
    #: worked out once: a name is compared many times
    normal_name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "normal_name", normal_name(self.name))


def normal_key(kind: str, key: str) -> str:
    """Return a key as it is compared: e-mail addresses, domains and aliases in any case, record ids to the letter."""
    key = key.strip()
    if kind == ALIAS:
        return normal_name(key)
    if kind == "phone":
        return "".join(sign for sign in key if sign.isdigit() or sign == "+")
    if kind in ("domain", "website"):
        return key.casefold().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    return key.casefold() if kind == EMAIL else key


def by_strength(keys: Iterable[Key]) -> list[Key]:
    """Return the strong keys: record ids, then the e-mail address, then names."""
    order = {EMAIL: 1, ALIAS: 2, NAME_IN_SOURCE: 3}
    return sorted((key for key in keys if key[0] not in WEAK), key=lambda key: order.get(key[0], 0))


def in_conflict(ones: Iterable[Key], others: Iterable[Key]) -> bool:
    """Say whether both have keys of a kind and none of it in common: two record ids of one source are two records."""
    mine, theirs = _by_kind(ones), _by_kind(others)
    return any(not mine[kind] & theirs[kind] for kind in mine.keys() & theirs.keys() - MANY_OF_ONE)


def _by_kind(keys: Iterable[Key]) -> Mapping[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, key in keys:
        found[kind].add(key)
    return found
