"""Questions in other words: found by their vectors among those that share everything else, within one tenant and one model."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from capability_index.errors import EncoderUnavailable

#: text -> unit vectors, one row each; works from memory
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

#: places (tenant, model, everything but the question) and questions of one place
MAX_PLACES = 200
MAX_QUESTIONS = 256
MAX_CHARS = 4_000


class SimilarQuestions:
    """For each place the last questions with the keys of their answers."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._places: OrderedDict[bytes, _Place] = OrderedDict()

    def find(self, place: bytes, question: str, threshold: float) -> bytes | None:
        """Return the key of the answer to the most similar question that is at least `threshold` alike (cosine)."""
        known = self._places.get(place)
        if known is None or len(question) > MAX_CHARS or (vector := self._vector(question)) is None:
            return None
        likeness = known.vectors[: len(known.keys)] @ vector
        best = int(likeness.argmax())
        return known.keys[best] if likeness[best] >= threshold else None

    def add(self, place: bytes, question: str, key: bytes) -> None:
        """Remember that `key` answers this question."""
        if len(question) > MAX_CHARS or (vector := self._vector(question)) is None:
            return
        known = self._places.get(place)
        if known is None:
            known = self._places[place] = _Place(len(vector))
            if len(self._places) > MAX_PLACES:
                self._places.popitem(last=False)
        self._places.move_to_end(place)
        known.add(vector, key)

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

    def add(self, vector: NDArray[np.float32], key: bytes) -> None:
        if key in self.keys:
            self.vectors[self.keys.index(key)] = vector
            return
        if len(self.keys) < MAX_QUESTIONS:
            if len(self.keys) == len(self.vectors):
                self.vectors = np.concatenate([self.vectors, np.zeros_like(self.vectors)])
            self.vectors[len(self.keys)] = vector
            self.keys.append(key)
            return
        self.vectors[self._next], self.keys[self._next] = vector, key
        self._next = (self._next + 1) % MAX_QUESTIONS
