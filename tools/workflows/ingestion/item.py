"""One record or call as its source has it now, in the words of the context plane."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

from tools.context_plane.arguments.cleaning import kept_line, kept_text
from tools.context_plane.facts import EVERYBODY, Cardinality
from tools.operation import Json

#: of an episode
MAX_CONTENT_CHARS = 990_000


@dataclass(frozen=True)
class Item:
    """`facts` are what `context_assert` takes; times within them are RFC 3339.

    `replaces`: this is what the source has in place of what it had, which is forgotten. Else versions stand side by side, each from its
    own moment on, and the predicates `ended` have no value from `occurred_at_us` on.
    """

    source: str
    source_id: str
    kind: str
    occurred_at_us: int
    content: str
    facts: tuple[Mapping[str, Json], ...]
    cardinalities: Mapping[str, Cardinality] = field(default_factory=dict)
    #: '' or the one subject who may see it
    audience: str = EVERYBODY
    author: str = ""
    url: str = ""
    replaces: bool = False
    ended: tuple[str, ...] = ()
    #: under which name the content becomes a document; '' where it has no passages
    document_name: str = ""
    document_metadata: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def content_hash(self) -> str:
        return hashlib.sha256(self.content.encode()).hexdigest()

    @property
    def mark(self) -> str:
        """Return the mark under which it waits."""
        return mark_of(self.source, self.source_id)

    def plain(self) -> dict[str, Json]:
        """Return it as JSON, for the time that it waits."""
        return asdict(self)

    @property
    def taken(self) -> dict[str, Json]:
        """Return what stays under its mark when it is taken in: what is forgotten here is not taken in once more."""
        return {"taken": self.content_hash, "audience": self.audience}

    @classmethod
    def waiting(cls, plain: Json) -> "Item | None":
        """Return the item that waits under a mark; None where none does."""
        if plain is None or "taken" in plain:
            return None
        return cls(**{**plain, "facts": tuple(plain["facts"]), "ended": tuple(plain["ended"])})


def content_of(text: str) -> str:
    """Return a text as an episode keeps it, so that the same text has the same hash tomorrow."""
    return kept_text(text[:MAX_CONTENT_CHARS])


def line_of(value: Json, most: int) -> str:
    """Return a source's text on one line of at most `most` characters; '' for what is none."""
    return kept_line(value[: 2 * most]).strip()[:most] if isinstance(value, str) else ""


def mark_of(source: str, source_id: str) -> str:
    return f"{source}/item/{source_id}"


def gone_mark_of(source: str, source_id: str) -> str:
    """Return the mark that says that the source once had no such item any more."""
    return f"{source}/gone/{source_id}"
