"""What an index of one kind is filled from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from capability_index.analysis import Analysis
from capability_index.text_index import Mask, Text


@dataclass(frozen=True, slots=True)
class IndexNews:
    """What changed up to `revision`: rows that came or changed, and numbers that went. `is_all` False: there is more behind it."""

    texts: Sequence[Text]
    gone: Sequence[int]
    revision: int
    is_all: bool


class Corpus(Protocol):
    """The rows of one kind, of all tenants; `kind` is also the folder's name."""

    @property
    def kind(self) -> str: ...

    @property
    def analysis(self) -> Analysis: ...

    async def revision(self, tenant_id: str) -> int:
        """Return where the tenant stands; 0 where it has nothing."""
        ...

    def expired(self) -> Mask | None:
        """Return what leaves rows that nobody is answered any more, or None where rows stay until they are deleted."""
        ...

    async def news(self, tenant_id: str, revision: int) -> IndexNews:
        """Return the next bite of what an index that stands at `revision` lacks: no more than a second's work."""
        ...

    async def said(self, tenant_id: str, rows: Collection[int]) -> Mapping[int, str]:
        """Return what a model reads of each of `rows`, of all audiences; those that are gone are missing.

        What a row says never changes: where a text is another one, it has another number.
        """
        ...
