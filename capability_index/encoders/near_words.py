"""Words that mean much the same as a word, by the vectors of a word table alone: what one tenant wrote has no part in it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from capability_index.words import stem

Floats = NDArray[np.float32]
#: how many near words are kept of each: few of them are in any one segment
_MOST = 96
#: words of queries are anybody's
_MAX_CACHED = 8_192


class NearWords:
    """The whole words of a table, and what was found for words asked before. Safe to share: a lost race costs a second look.

    `vectors` (words, d) are unit rows.
    """

    def __init__(self, words: Sequence[str], vectors: Floats, min_cosine: float) -> None:
        self._stems, self._vectors, self._min_cosine = [stem(word) for word in words], vectors, min_cosine
        self._near_by_word: dict[str, Mapping[str, float]] = {}

    def near(self, words: Sequence[str], encode: Callable[[Sequence[str]], Floats]) -> list[Mapping[str, float]]:
        """Return for each word the stems near it and their cosines, the nearest first. `encode`: unit rows of words that are new."""
        known = self._near_by_word
        missing = [word for word in dict.fromkeys(words) if word not in known]
        if missing:
            if len(known) + len(missing) > _MAX_CACHED:
                # A new dict and not a cleared one: another thread may be reading the old.
                self._near_by_word = known = {word: known[word] for word in words if word in known}
            cosines = encode(missing) @ self._vectors.T
            known.update((word, self._close(row)) for word, row in zip(missing, cosines, strict=True))
        return [known[word] for word in words]

    def forget(self) -> None:
        """Forget the words that were asked for."""
        self._near_by_word = {}

    def _close(self, cosines: Floats) -> Mapping[str, float]:
        rows = np.flatnonzero(cosines >= self._min_cosine)
        rows = rows[np.argsort(-cosines[rows], kind="stable")[:_MOST]]
        found: dict[str, float] = {}
        for row in rows.tolist():
            found.setdefault(self._stems[row], float(cosines[row]))
        return found
