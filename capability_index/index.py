"""CapabilityIndex: documents in, the operations that fit an intent out.

Writers make new immutable segments and swap one reference; readers take the reference once and never wait.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from capability_index.documents import Document, digest
from capability_index.encoder import WordTable
from capability_index.part import Shard, build_part
from capability_index.search import SearchResult, Visible, search

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What a write did, in documents."""

    added: int
    changed: int
    unchanged: int
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """One tenant's documents, or the shared ones. Immutable."""

    shards: tuple[Shard, ...]

    def find(self, slug: str) -> tuple[int, int] | None:
        """Return shard and row of the living document of `slug`."""
        for at in range(len(self.shards) - 1, -1, -1):
            row = self.shards[at].part.find(slug)
            if row is not None and self.shards[at].lives(row):
                return at, row
        return None

    def slugs_of(self, group: str) -> list[str]:
        """Return the slugs of the living documents of one provider."""
        found: list[str] = []
        for shard in self.shards:
            if group in shard.part.groups:
                rows = np.flatnonzero(shard.part.group_ids == shard.part.groups.index(group))
                found += [shard.part.slugs[row] for row in rows.tolist() if shard.lives(row)]
        return found


EMPTY = Segment(())


class CapabilityIndex:
    """Searches and updates from any thread. `table` None: by words alone."""

    def __init__(self, table: WordTable | None, warnings: Sequence[str] = ()) -> None:
        self._table = table
        self._segments: Mapping[str, Segment] = MappingProxyType({})
        self._writing = threading.Lock()
        self.warnings = tuple(warnings)

    def search(self, intent: str | Sequence[str], visible: Visible, k: int = 10) -> SearchResult:
        """Return the `k` visible documents that fit `intent` best; several texts are the sub-tasks of one intent."""
        segments = self._segments
        shards = [(name, shard) for name in visible.segments if name in segments for shard in segments[name].shards]
        return search(intent, shards, visible, k, self._table)

    def upsert(self, segment: str, documents: Iterable[Document], progress: Progress | None = None) -> UpsertReport:
        """Add documents and replace those whose slug is known; what did not change is not encoded again."""
        with self._writing:
            return self._write(segment, list(documents), (), progress)

    def replace_group(self, segment: str, group: str, documents: Iterable[Document]) -> UpsertReport:
        """Make `documents` the whole of what provider `group` has in `segment`."""
        given = list(documents)
        kept = {document.slug for document in given}
        with self._writing:
            gone = [slug for slug in self._segments.get(segment, EMPTY).slugs_of(group) if slug not in kept]
            return self._write(segment, given, gone, None)

    def delete(self, segment: str, slugs: Iterable[str]) -> int:
        """Forget documents; return how many were there."""
        with self._writing:
            return self._write(segment, [], list(slugs), None).removed

    def drop(self, segment: str) -> None:
        """Forget a whole segment."""
        with self._writing:
            self._segments = MappingProxyType({name: held for name, held in self._segments.items() if name != segment})

    def segments(self) -> Mapping[str, Segment]:
        """Return the present state: immutable, so it may be saved while writes go on."""
        return self._segments

    def adopt(self, segments: Mapping[str, Segment]) -> None:
        """Take over a loaded state, whole."""
        with self._writing:
            self._segments = MappingProxyType(dict(segments))

    def count(self, segment: str) -> int:
        """Return how many documents a segment holds."""
        held = self._segments.get(segment, EMPTY)
        return sum(shard.live for shard in held.shards)

    def _write(self, name: str, documents: list[Document], gone: Iterable[str], progress: Progress | None) -> UpsertReport:
        held = self._segments.get(name, EMPTY)
        latest = {document.slug: document for document in documents}
        fresh: list[Document] = []
        dead: dict[int, list[int]] = {}
        changed = 0
        for slug, document in latest.items():
            place = held.find(slug)
            if place is not None:
                if held.shards[place[0]].part.digests[place[1]].tobytes() == digest(document):
                    continue
                dead.setdefault(place[0], []).append(place[1])
                changed += 1
            fresh.append(document)
        removed = 0
        for slug in dict.fromkeys(gone):
            if (place := held.find(slug)) is not None:
                dead.setdefault(place[0], []).append(place[1])
                removed += 1
        shards = [shard.without(dead[at]) if at in dead else shard for at, shard in enumerate(held.shards)]
        if fresh:
            done = 0

            def advance(rows: int) -> None:
                nonlocal done
                done += rows
                if progress is not None:
                    progress(done, len(fresh))

            shards.append(Shard.of(build_part(fresh, self._table, advance)))
        self._segments = MappingProxyType({**self._segments, name: Segment(tuple(shard for shard in shards if shard.live))})
        return UpsertReport(len(fresh) - changed, changed, len(latest) - len(fresh), removed)
