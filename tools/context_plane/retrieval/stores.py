"""What is read beside the rows of a transaction, as a Protocol; `server/storage/context_plane` keeps the promise."""

from collections.abc import Sequence
from typing import Protocol

from tools.context_plane.facts import Entity, Fact
from tools.context_plane.retrieval.fact_filter import FactFilter


class KnowledgeStore(Protocol):
    async def revision(self, tenant_id: str) -> int:
        """Return where the tenant's changes stand; 0 where nothing ever changed."""
        ...

    async def newest_facts(self, tenant_id: str, wanted: FactFilter, limit: int) -> Sequence[Fact]:
        """Return up to `limit` facts that `wanted` permits, those that were learnt last first; its sources are passed over."""
        ...

    async def retired_facts(self, tenant_id: str, wanted: FactFilter, until_us: int, words: Sequence[str], limit: int) -> Sequence[Fact]:
        """Return up to `limit` facts that `wanted` permits and that were retired until then; its sources are passed over.

        Those that have most of `words` in their sentence first, then those that changed last.
        """
        ...

    async def entities(self, tenant_id: str, audiences: Sequence[str], name: str, kind: str, after: int, limit: int) -> Sequence[Entity]:
        """Return entities that stand for themselves and of which these audiences know something, in the order of their numbers.

        `name`: a part of the normal name, '' is any; `kind` likewise; `after`: the number of the last one that is known.
        """
        ...
