"""Questions in other words: found by their vectors among those that share everything else, within one tenant and one model."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from capability_index.errors import EncoderUnavailable

#: text -> unit vectors, one row each; works from memory
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

#: one tenant pushes out its own questions, never another's
MAX_TENANTS = 8
#: places (model, everything but the question) of a tenant, and the vectors of one place: 8 MB for all tenants
MAX_PLACES = 8
MAX_VECTOR_BYTES = 128 << 10
MAX_CHARS = 4_000


class SimilarQuestions:
    """For each place the last questions with the keys of their answers."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        #: the tenant, and within it the place, that was used longest ago stands first
        self._by_tenant: OrderedDict[str, OrderedDict[bytes, _Place]] = OrderedDict()

    def find(self, tenant_id: str, place: bytes, question: str, threshold: float) -> bytes | None:
        """Return the key of the answer to the most similar question that is at least `threshold` alike (cosine)."""
        places = self._by_tenant.get(tenant_id)
        known = places.get(place) if places is not None else None
        if known is None or len(question) > MAX_CHARS or (vector := self._vector(question)) is None:
            return None
        likeness = known.vectors[: len(known.keys)] @ vector
        best = int(likeness.argmax())
        return known.keys[best] if likeness[best] >= threshold else None

    def add(self, tenant_id: str, place: bytes, question: str, key: bytes) -> None:
        """Remember that `key` answers this question."""
        if len(question) > MAX_CHARS or (vector := self._vector(question)) is None:
            return
        places = self._by_tenant.setdefault(tenant_id, OrderedDict())
        self._by_tenant.move_to_end(tenant_id)
        if len(self._by_tenant) > MAX_TENANTS:
            self._by_tenant.popitem(last=False)
        known = places.get(place)
        if known is None:
            known = places[place] = _Place(len(vector))
            if len(places) > MAX_PLACES:
                places.popitem(last=False)
        places.move_to_end(place)
        known.add(vector, key)

    def forget(self, tenant_id: str) -> None:
        """Forget the questions of a tenant."""
        self._by_tenant.pop(tenant_id, None)

    def _vector(self, question: str) -> NDArray[np.float32] | None:
        """Return the unit vector of a question; None where there is no encoder, or no word in it that the encoder knows."""
        try:
            vector = self._embed([question.casefold().strip()])[0]
        except EncoderUnavailable:
            return None
        return vector if vector.any() else None


class _Place:
    """A ring of questions: the oldest gives way."""

    def __init__(self, dimensions: int) -> None:
        self.vectors = np.zeros((16, dimensions), dtype=np.float32)
        self.keys: list[bytes] = []
        self._next = 0
        self._most = max(16, MAX_VECTOR_BYTES // (4 * dimensions))

    def add(self, vector: NDArray[np.float32], key: bytes) -> None:
        if key in self.keys:
            self.vectors[self.keys.index(key)] = vector
            return
        if len(self.keys) < self._most:
            if len(self.keys) == len(self.vectors):
                self.vectors = np.concatenate([self.vectors, np.zeros_like(self.vectors)])
            self.vectors[len(self.keys)] = vector
            self.keys.append(key)
            return
        self.vectors[self._next], self.keys[self._next] = vector, key
        self._next = (self._next + 1) % self._most
