"""Episode, Claim, Fact, Entity: what a source said, what is believed because of it, and whom it is about (context contract §1).

Times are microseconds since the epoch, UTC; windows are half-open, `None` is open. `audience` is '' (the whole tenant) or one
subject. The tenant is never in a value: a store is asked for one tenant at a time.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from tools.context_plane.ids import column_of

#: how a claim came about, the strongest word first: a system of record, a person or agent, a rule over a text, a model
Method = Literal["record", "asserted", "mapped", "extracted"]
METHODS: tuple[Method, ...] = ("record", "asserted", "mapped", "extracted")
#: `one`: a subject has one value of it at a time (stage, owner, employer)
Cardinality = Literal["many", "one"]
FactState = Literal["believed", "conflict"]
#: everybody of the tenant
EVERYBODY = ""


class Group(NamedTuple):
    """What belief is computed over: the claims of one (audience, subject, predicate)."""

    audience: str
    subject_id: int
    predicate: str


class Part(NamedTuple):
    """A whole group, or what of it says one thing: `said_number` of it. Values of a `many` predicate do not touch each other."""

    group: Group
    said: int | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that a source said or sent; unique in (audience, source, source_id, content_hash)."""

    episode_id: int
    audience: str
    source: str
    source_id: str
    content_hash: str
    #: record, transcript, note, document, assertion …
    kind: str
    occurred_at_us: int
    recorded_at_us: int
    author: str = ""
    url: str = ""
    content: str = ""
    #: `ids.person_number` of whose share it takes; 0: nobody's
    added_by: int = 0


@dataclass(frozen=True, slots=True)
class Entity:
    """Somebody or something that facts are about; `merged_into`: another that is the same, until the link is cleared."""

    entity_id: int
    kind: str
    name: str
    normal_name: str
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class EntityKey:
    """What a source knows an entity by: a record id, an e-mail address, an alias. Unique in (key_kind, key)."""

    key_kind: str
    key: str
    entity_id: int


@dataclass(frozen=True, slots=True)
class EntityLink:
    """That two entities are one: since when, by whose word, and until when. What was believed meanwhile stands under `into_id`."""

    entity_id: int
    into_id: int
    by: str
    linked_at_us: int
    unlinked_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one episode says of one subject; immutable but for `withdrawn_at_us`, and gone with its episode.

    Exactly one of `object_id` and `value` is set. `start` and `end`: where in the episode's content it is said.
    """

    claim_id: int
    episode_id: int
    audience: str
    subject_id: int
    predicate: str
    object_id: int | None
    value: str | None
    valid_from_us: int | None
    valid_to_us: int | None
    confidence: float
    method: Method
    #: of its episode
    occurred_at_us: int
    #: when it was taken in: for `known_at` alone, never for what is true
    recorded_at_us: int
    withdrawn_at_us: int | None = None
    start: int | None = None
    end: int | None = None
    #: as of an episode
    added_by: int = 0

    @property
    def group(self) -> Group:
        return Group(self.audience, self.subject_id, self.predicate)

    @property
    def said(self) -> tuple[int | None, str | None]:
        """What is said: two claims that agree in it say the same."""
        return self.object_id, self.value


def said_number(object_id: int | None, value: str | None) -> int:
    """Return the number by which what is said is looked up: two that say the same have the same one."""
    return column_of(value or "") if object_id is None else object_id


@dataclass(frozen=True, slots=True)
class Belief:
    """What the claims of one group come to: one value in one window. A pure value, the same whatever the order of its claims."""

    object_id: int | None
    value: str | None
    valid_from_us: int | None
    valid_to_us: int | None
    confidence: float
    state: FactState
    #: sorted; of many, those that were said first by the strongest methods
    claim_ids: tuple[int, ...]

    @property
    def said(self) -> tuple[int | None, str | None]:
        return self.object_id, self.value


@dataclass(frozen=True, slots=True)
class Fact:
    """A belief on record: believed from `recorded_at_us` until `retired_at_us` (None: now)."""

    fact_id: int
    group: Group
    belief: Belief
    #: the sentence that is indexed and shown
    text: str
    recorded_at_us: int
    retired_at_us: int | None = None
