"""CapabilityIndex: documents in, the operations that fit an intent out.

Writers make new immutable segments and swap one reference; readers take the reference once and never wait.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from capability_index.documents import Document, digest
from capability_index.encoders.encoder import Encoder, Floats, WordTable
from capability_index.encoders.reembedding import lacking, with_space, without_others
from capability_index.errors import EncoderUnavailable
from capability_index.part import Segment, build_part
from capability_index.ranking.reranker import Reranker
from capability_index.ranking.search_feedback import UsageMemory
from capability_index.search import SearchResources, SearchResult, Visible, search
from capability_index.segment import TenantIndex

#: (done, of how many)
Progress = Callable[[int, int], None]
EMPTY = TenantIndex()


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What a write did, in documents. `warnings`: what it had to do without."""

    added: int
    changed: int
    unchanged: int
    removed: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All that a reader needs, taken in one look: the segments, and the encoder whose vectors they have."""

    segments: Mapping[str, TenantIndex]
    encoder: Encoder | None = None


class CapabilityIndex:
    """Searches and updates from any thread. `table` None: by words alone, with `warnings` in every answer.

    `learning` False: nothing is remembered of what was asked and called.
    """

    def __init__(
        self,
        table: WordTable | None,
        warnings: Sequence[str] = (),
        *,
        reranker: Reranker | None = None,
        learning: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._reranker = reranker
        self._state = State(MappingProxyType({}))
        self._writing = threading.Lock()
        self.usage = UsageMemory(table, clock, learning)
        self.warnings = tuple(warnings)

    @property
    def table(self) -> WordTable | None:
        """Return the embedded encoder, for other indexes of the product."""
        return self._table

    @property
    def reranker(self) -> Reranker | None:
        """Return the configured reranker, for other indexes of the product."""
        return self._reranker

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return unit rows of the embedded encoder, for other uses of the product. Raises EncoderUnavailable."""
        if self._table is None:
            raise EncoderUnavailable("the word table could not be loaded")
        return self._table.encode(texts)

    def search(self, intent: str | Sequence[str], visible: Visible, k: int = 10, *, explain: bool = False) -> SearchResult:
        """Return the `k` visible documents that fit `intent` best; several texts are the sub-tasks of one intent.

        With `explain`, each hit says why it was found.
        """
        state = self._state
        names = [name for name in dict.fromkeys(visible.segments) if name in state.segments]
        shards = [(name, shard) for name in names for shard in state.segments[name].shards]
        found = search(intent, shards, visible, k, SearchResources(self._table, state.encoder, self._reranker, self.usage.bonuses), explain)
        return replace(found, warnings=(*self.warnings, *found.warnings)) if self.warnings else found

    @property
    def waits(self) -> bool:
        """Say whether a search may wait for another machine; then it has no place on an event loop."""
        return self._state.encoder is not None or self._reranker is not None

    def learn(self, tenant_id: str, intent: str, slug: str) -> bool:
        """Remember for this tenant that `slug` was called for `intent` and succeeded; return whether there was anything to learn."""
        state = self._state
        known = any(state.segments[name].find(slug) for name in (tenant_id, "*") if name in state.segments)
        return known and self.usage.learn(tenant_id, intent, slug)

    def unlearn(self, tenant_id: str) -> None:
        """Forget everything that this tenant taught."""
        self.usage.forget(tenant_id)

    def upsert(self, segment: str, documents: Iterable[Document], progress: Progress | None = None) -> UpsertReport:
        """Add documents and replace those whose slug is known; what did not change is not encoded again."""
        with self._writing:
            return self._write(segment, documents, (), progress)

    def replace_group(self, segment: str, group: str, documents: Iterable[Document]) -> UpsertReport:
        """Make `documents` the whole of what provider `group` has in `segment`."""
        given = list(documents)
        kept = {document.slug for document in given}
        with self._writing:
            gone = [slug for slug in self._state.segments.get(segment, EMPTY).slugs_of(group) if slug not in kept]
            return self._write(segment, given, gone, None)

    def delete(self, segment: str, slugs: Iterable[str]) -> int:
        """Forget documents; return how many were there."""
        with self._writing:
            return self._write(segment, (), slugs, None).removed

    def drop(self, segment: str) -> None:
        """Forget a whole segment, and what its tenant taught."""
        with self._writing:
            self._swap({name: held for name, held in self._state.segments.items() if name != segment})
        self.usage.forget(segment)

    def segments(self) -> Mapping[str, TenantIndex]:
        """Return the present state: immutable, so it may be saved while writes go on."""
        return self._state.segments

    def adopt(self, segments: Mapping[str, TenantIndex]) -> None:
        """Take over a loaded state, whole."""
        with self._writing:
            self._swap(segments)

    def count(self, segment: str) -> int:
        """Return how many documents a segment holds."""
        return self._state.segments.get(segment, EMPTY).live

    def reembed(self, encoder: Encoder | None, documents: Callable[[str], Iterable[Document]]) -> None:
        """Search in the space of `encoder` from now on (None: the embedded one alone).

        `documents` gives all documents of a segment. Searches go on in the old space until every vector of the new one is
        there; then both change in one step. Raises EncoderUnavailable: the old space stays. Call it again after warnings that
        operations lack vectors: only those are encoded.
        """
        if encoder is None:
            with self._writing:
                self._state = State(without_others(self._state.segments, self._models(None)))
            return
        #: id of a part -> itself, held so that no other gets its id, and the same with the new vectors
        known: dict[int, tuple[Segment, Segment]] = {}
        while missing := [found for found in lacking(self._state.segments, encoder.model) if id(found[1]) not in known]:
            for name, part in missing:
                known[id(part)] = part, with_space(part, encoder, documents(name))
        with self._writing:
            # What was written meanwhile is little: it is encoded here, while other writes wait and searches do not.
            for name, part in lacking(self._state.segments, encoder.model):
                if id(part) not in known:
                    known[id(part)] = part, with_space(part, encoder, documents(name))
            moved = {
                name: segment.with_parts([known.get(id(shard.part), (shard.part, shard.part))[1] for shard in segment.shards])
                for name, segment in self._state.segments.items()
            }
            self._state = State(without_others(moved, self._models(encoder)), encoder)

    def _models(self, encoder: Encoder | None) -> set[str]:
        return {space.model for space in (self._table, encoder) if space is not None}

    def _write(self, name: str, documents: Iterable[Document], gone: Iterable[str], progress: Progress | None) -> UpsertReport:
        held = self._state.segments.get(name, EMPTY)
        latest = {document.slug: document for document in documents}
        fresh: list[Document] = []
        dead: list[tuple[int, int]] = []
        for slug, document in latest.items():
            place = held.find(slug)
            if place is not None:
                if held.shards[place[0]].part.operations.digests[place[1]].tobytes() == digest(document):
                    continue
                dead.append(place)
            fresh.append(document)
        changed = len(dead)
        dead += [place for slug in dict.fromkeys(gone) if slug not in latest and (place := held.find(slug)) is not None]
        warnings: list[str] = []
        if fresh or dead:
            part = self._built(fresh, progress, warnings) if fresh else None
            self._swap({**self._state.segments, name: held.changed(dead, part)})
        return UpsertReport(len(fresh) - changed, changed, len(latest) - len(fresh), len(dead) - changed, tuple(warnings))

    def _built(self, fresh: Sequence[Document], progress: Progress | None, warnings: list[str]) -> Segment:
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            if progress is not None:
                progress(done, len(fresh))

        part = build_part(fresh, self._table, advance)
        if (encoder := self._state.encoder) is not None:
            try:
                return with_space(part, encoder, fresh)
            except EncoderUnavailable as error:
                warnings.append(f"{error}; {len(fresh)} operations are searched without it until the vectors are made again")
        return part

    def _swap(self, segments: Mapping[str, TenantIndex]) -> None:
        self._state = replace(self._state, segments=MappingProxyType(dict(segments)))
