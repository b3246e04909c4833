"""A segment: one tenant's documents, or the shared ones, as shards of which the later are the smaller."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from capability_index.merge import merge
from capability_index.part import Ids, Segment, Shard, reference_of

#: a shard with more dead rows than this share is written anew
_MAX_DEAD = 0.2
#: a shard is not joined into one of more rows: what is written next would wait for it, seconds at a million
_MAX_ROWS = 262_144


@dataclass(frozen=True, slots=True)
class TenantIndex:
    """Immutable: a change makes a new one, which shares the parts that did not change."""

    shards: tuple[Shard, ...] = ()

    @property
    def live(self) -> int:
        return sum(shard.live for shard in self.shards)

    def find(self, slug: str) -> tuple[int, int] | None:
        """Return shard and row of the living document of `slug`."""
        for at in range(len(self.shards) - 1, -1, -1):
            row = self.shards[at].part.find(slug)
            if row is not None and self.shards[at].lives(row):
                return at, row
        return None

    def places(self, ids: Ids) -> list[tuple[int, int]]:
        """Return shard and row of each living row with one of these ids, which are unique."""
        found: list[tuple[int, int]] = []
        for at, shard in enumerate(self.shards):
            rows = shard.part.rows_of(ids)
            found += [(at, row) for row in rows[rows >= 0].tolist() if shard.lives(row)]
        return found

    def compacted(self) -> "TenantIndex":
        """Return this segment without its dead rows."""
        reference = reference_of(self.shards) if self.shards else None
        shards = [
            shard if shard.alive is None or reference is None else Shard.of(merge([shard], reference))
            for shard in self.shards
            if shard.live
        ]
        return TenantIndex(tuple(shards))

    def slugs_of(self, group: str) -> list[str]:
        """Return the slugs of the living documents of one provider."""
        found: list[str] = []
        for shard in self.shards:
            held = shard.part.operations
            if group in held.groups:
                rows = np.flatnonzero(held.group_ids == held.groups.index(group))
                found += [held.slugs[row] for row in rows.tolist() if shard.lives(row)]
        return found

    def changed(self, dead: Iterable[tuple[int, int]], fresh: Segment | None) -> "TenantIndex":
        """Return this segment without some (shard, row) and with the documents of `fresh`."""
        rows_by_shard: dict[int, list[int]] = {}
        for at, row in dead:
            rows_by_shard.setdefault(at, []).append(row)
        shards = [shard.without(rows_by_shard[at]) if at in rows_by_shard else shard for at, shard in enumerate(self.shards)]
        if fresh is not None:
            shards.append(Shard.of(fresh))
        return TenantIndex(tuple(_tidied(shards)))

    def tidied(self) -> "TenantIndex":
        """Return this segment with its last parts joined, where they may be."""
        return TenantIndex(tuple(_tidied([*self.shards]))) if self.live else self

    def with_parts(self, parts: Sequence[Segment]) -> "TenantIndex":
        """Return this segment with other parts of the same rows (another vector space)."""
        return TenantIndex(tuple(replace(shard, part=part) for part, shard in zip(parts, self.shards, strict=True)))


def _tidied(shards: list[Shard]) -> list[Shard]:
    """Drop empty shards, rewrite those with many dead, and join the last two until each is twice as large as the next.

    So there are few shards, and a row is rewritten about log2(n) times in its life: one change of a large segment costs
    what its small last shards cost, and only every so often more.
    """
    reference = reference_of(shards)
    kept = [
        Shard.of(merge([shard], reference)) if shard.live < len(shard.part) * (1 - _MAX_DEAD) else shard for shard in shards if shard.live
    ]
    while len(kept) > 1 and _joins(*kept[-2:]):
        kept[-2:] = [Shard.of(merge(kept[-2:], reference))]
    return kept


def _joins(large: Shard, small: Shard) -> bool:
    # Parts of different vector spaces stay apart: joined, the larger would lose what the smaller does not have yet.
    is_near = large.live < 2 * small.live and large.live + small.live <= _MAX_ROWS
    return is_near and large.part.matrices.keys() == small.part.matrices.keys()
