"""One question to one tenant's index: taken over what is new, its vector asked for once, then searched with as many masks as it has."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from capability_index.text_index import Explanation, Found, Mask, ModelVector
from tools.context_plane.indexing.live_index import SEGMENT, LiveIndex


@dataclass(frozen=True, slots=True)
class Asking:
    """`is_behind`: something that was kept is missing in the index (`index_behind`).

    `vector`: the question as the tenant's model has it; `without`: why that model has no part in the answers although it is named.
    """

    held: LiveIndex
    query: str
    is_behind: bool
    vector: ModelVector | None = None
    without: str = ""

    async def search(self, masks: Sequence[Mask], limit: int, candidates: int = 50) -> Found:
        """Return what fits behind any of `masks`; a row that several of them leave counts once, by its better score."""
        found = await asyncio.gather(*(self._searched(mask, limit, candidates) for mask in masks))
        first = found[0]
        for other in found[1:]:
            best = {hit.row: hit for hit in sorted((*first.hits, *other.hits), key=lambda hit: hit.score)}
            hits = tuple(sorted(best.values(), key=lambda hit: -hit.score)[:limit])
            first = replace(first, hits=hits, low_confidence=first.low_confidence and other.low_confidence)
        return first

    async def explain(self, row: int, masks: Sequence[Mask]) -> Explanation:
        """Return why a row stands where it stands, by the first mask that leaves it; or what keeps it out."""
        found = [await self._explained(row, mask) for mask in masks]
        return next((each for each in found if each.rank is not None), found[0])

    async def _searched(self, mask: Mask, limit: int, candidates: int) -> Found:
        index = self.held.index
        return await self.held.run(lambda: index.search(SEGMENT, self.query, mask, limit, candidates, asked_as=self.vector))

    async def _explained(self, row: int, mask: Mask) -> Explanation:
        return await self.held.run(lambda: self.held.index.explain(SEGMENT, self.query, row, mask, asked_as=self.vector))
