"""Learning from use: what was asked and which operation then succeeded, as a bounded bonus for like intents.

A tenant's memory serves that tenant alone. It never changes a document, so an operation that nobody used yet loses little:
with ten examples for a third of the operations the others lost 0.3 to 1.7 nDCG and the used ones gained 3.6 to 13.
"""

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.ranking.asked import Asked, asked_of

Floats = NDArray[np.float32]
MAX_EXAMPLES = 10
MAX_TENANT_EXAMPLES = 5_000
EXPIRES_AFTER_S = 90 * 24 * 3600.0
_SAME, _LIKE, _STEP, _MOST = 0.97, 0.4, 10.0, 5.0
#: below this cosine two examples must agree: one alone is near to much that it has nothing to do with
_ALONE, _NOBODY = 0.95, 0.3
#: what an example counts that asks for something more than the request does: "attach a file to the store" for "new store"
_MORE_ASKED = 0.65
_MAX_CHARS = 300
# What may name a person or open a door has no part in what an operation is good for.
_PRIVATE = re.compile(r"\S+@\S+|https?://\S+|\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)|\+?\d[\d\s().-]{5,}\d|\S*\d\S*|\b[A-Za-z0-9_-]{24,}\b")


@dataclass(frozen=True, slots=True)
class Example:
    """An intent, scrubbed, after which `slug` was called and succeeded."""

    slug: str
    intent: str
    learned_at: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What one tenant taught, oldest first; row `r` of `vectors`, and `asked[r]`, are of `examples[r]`. Immutable."""

    examples: tuple[Example, ...]
    vectors: Floats
    asked: tuple[Asked, ...]
    #: of each, bits of `ranking.verbs`
    kinds: NDArray[np.uint8]

    @staticmethod
    def of(examples: Sequence[Example], vectors: Floats) -> "Memory":
        asked = tuple(asked_of(each.intent) for each in examples)
        return Memory(tuple(examples), vectors, asked, np.fromiter((each.kinds for each in asked), np.uint8, len(asked)))


class Bonus(NamedTuple):
    """What use adds to the fused score, at most 5, and the cosine with past intents: of the nearest, or the mean of the nearest two."""

    worth: float
    cosine: float

    @property
    def sureness(self) -> float:
        """How surely the same is asked as then, 0-1."""
        return min(max((self.cosine - _LIKE) / (1 - _LIKE), 0.0), 1.0) ** 2


class UsageMemory:
    """The memories of all tenants. Learns nothing and gives no bonus where it is switched off or there is no table."""

    def __init__(self, table: WordTable | None, clock: Callable[[], float], enabled: bool = True) -> None:
        self._table = table if enabled else None
        self._clock = clock
        self._memory_by_tenant: Mapping[str, Memory] = MappingProxyType({})
        self._writing = threading.Lock()

    def learn(self, tenant_id: str, intent: str, slug: str) -> bool:
        """Remember that `slug` answered `intent`; return whether anything was left of the intent to remember."""
        text = scrubbed(intent)
        if self._table is None or not text:
            return False
        vector = self._table.encode_request(text)
        with self._writing:
            self._put(tenant_id, _added(self._live(tenant_id), Example(slug, text, self._clock()), vector))
        return True

    def forget(self, tenant_id: str, slugs: Iterable[str] | None = None) -> None:
        """Forget what a tenant taught: about some operations, or everything."""
        gone = None if slugs is None else set(slugs)
        with self._writing:
            self._put(tenant_id, _kept(self._live(tenant_id), lambda example: gone is not None and example.slug not in gone))

    def bonuses(self, tenant_id: str, vector: Floats | None, asked: Asked) -> dict[str, Bonus]:
        """Return by slug what past intents like the one of `vector` are worth that ask for the like; expired ones nothing."""
        memory = self._memory_by_tenant.get(tenant_id)
        if memory is None or vector is None or self._table is None:
            return {}
        cosines = memory.vectors @ vector
        oldest = self._clock() - EXPIRES_AFTER_S
        is_like = (cosines > _ALONE) | ((cosines > _NOBODY) & ((memory.kinds & asked.kinds) != 0))
        best_by_slug: dict[str, list[float]] = {}
        for row in np.flatnonzero(is_like).tolist():
            example = memory.examples[row]
            if example.learned_at >= oldest:
                best_by_slug.setdefault(example.slug, []).append(_counted(float(cosines[row]), memory.asked[row], asked))
        found: dict[str, Bonus] = {}
        for slug, best in best_by_slug.items():
            first, second, *_ = *sorted(best, reverse=True), _NOBODY
            cosine = first if first > _ALONE else (first + second) / 2
            if cosine > _LIKE:
                found[slug] = Bonus(min(_STEP * (cosine - _LIKE), _MOST), cosine)
        return found

    def examples(self) -> dict[str, tuple[Example, ...]]:
        """Return what is remembered, by tenant, for keeping."""
        return {tenant_id: self._live(tenant_id).examples for tenant_id in self._memory_by_tenant}

    def adopt(self, examples_by_tenant: Mapping[str, Iterable[Example]]) -> None:
        """Take over what was kept, in place of what is remembered."""
        if self._table is None:
            return
        memories = {}
        for tenant_id, examples in examples_by_tenant.items():
            kept = tuple(examples)[-MAX_TENANT_EXAMPLES:]
            memories[tenant_id] = Memory.of(kept, _vectors([example.intent for example in kept], self._table))
        with self._writing:
            self._memory_by_tenant = MappingProxyType(memories)

    def _live(self, tenant_id: str) -> Memory:
        memory = self._memory_by_tenant.get(tenant_id) or Memory.of(
            (), np.zeros((0, self._table.dimension if self._table else 0), np.float32)
        )
        oldest = self._clock() - EXPIRES_AFTER_S
        return _kept(memory, lambda example: example.learned_at >= oldest)

    def _put(self, tenant_id: str, memory: Memory) -> None:
        self._memory_by_tenant = MappingProxyType({**self._memory_by_tenant, tenant_id: memory})


def _counted(cosine: float, then: Asked, now: Asked) -> float:
    """Return what a cosine counts: less where one asked for one thing and the other for many of it, or for more than that thing."""
    if now.nouns & then.nouns & (now.plurals ^ then.plurals):
        return 0.0
    return cosine * _MORE_ASKED if cosine <= _ALONE and now.nouns and now.nouns < then.nouns else cosine


def _vectors(intents: Sequence[str], table: WordTable) -> Floats:
    return np.stack([table.encode_request(intent) for intent in intents]) if intents else np.zeros((0, table.dimension), np.float32)


def scrubbed(intent: str) -> str:
    """Return `intent` without addresses, links, quotations, numbers and anything that looks like a key."""
    return " ".join(_PRIVATE.sub(" ", intent).split())[:_MAX_CHARS]


def _added(memory: Memory, example: Example, vector: Floats) -> Memory:
    rows = [row for row, known in enumerate(memory.examples) if known.slug == example.slug]
    like = [row for row in rows if float(memory.vectors[row] @ vector) > _SAME]
    # The same thing asked again makes its example younger; an eleventh pushes out the oldest.
    gone = set(like) | set(rows[: max(len(rows) - len(like) + 1 - MAX_EXAMPLES, 0)])
    if len(memory.examples) - len(gone) >= MAX_TENANT_EXAMPLES:
        gone |= {0}
    left = [row for row in range(len(memory.examples)) if row not in gone]
    now, vectors = asked_of(example.intent), np.concatenate([memory.vectors[left], vector[None, :]])
    asked, kinds = (*(memory.asked[row] for row in left), now), np.append(memory.kinds[left], np.uint8(now.kinds))
    return Memory((*(memory.examples[row] for row in left), example), vectors, asked, kinds)


def _kept(memory: Memory, keep: Callable[[Example], bool]) -> Memory:
    rows = [row for row, example in enumerate(memory.examples) if keep(example)]
    if len(rows) == len(memory.examples):
        return memory
    examples, asked = tuple(memory.examples[row] for row in rows), tuple(memory.asked[row] for row in rows)
    return Memory(examples, memory.vectors[rows], asked, memory.kinds[rows])
