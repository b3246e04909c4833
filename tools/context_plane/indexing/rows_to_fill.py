"""Which rows of one open index lack the vectors of its tenant's model, and the vectors that came and are not in the index yet."""

from collections.abc import Iterable, Sequence

import anyio
import numpy as np

from tools.context_plane.indexing.live_index import SEGMENT, LiveIndex
from tools.context_plane.indexing.text_vectors import Floats, is_space_of

#: vectors go into the index together: each time all vectors beside them are written anew
LEAST_PUBLISHED, MOST_PENDING, PUBLISHED_SHARE = 256, 4_096, 8
#: of one index; where all vectors would take more, none are made
MAX_VECTOR_BYTES = 512 << 20


class RowsToFill:
    """Of one tenant and kind. `model` '': the tenant names none."""

    def __init__(self, held: LiveIndex) -> None:
        self.held = held
        self.model = ""
        self.trouble = ""
        self.failures, self.due_at = 0, 0.0
        #: the model takes one text a request
        self.takes_one = False
        #: how many want nothing to be sent now
        self.is_held_back = 0
        #: of the turn under way
        self.scope: anyio.CancelScope | None = None
        self.ended = anyio.Event()
        #: something came while it was under way
        self.is_wanted_again = False
        #: nothing more is made: there is no room for it
        self.is_over = False
        self._space = ""
        self._pending: dict[int, Floats] = {}
        #: what the model refuses, and what has no words
        self._passed_over: set[int] = set()

    @property
    def is_idle(self) -> bool:
        """Say whether nobody works on it, nor holds it back."""
        return self.scope is None and not self.is_held_back and not self._pending

    async def keep_to_its_model(self) -> None:
        """Forget all vectors of other models."""
        index = self.held.index
        if self._space and not is_space_of(self.model, self._space):
            self._space, self.is_over, self.takes_one = "", False, False
            self._pending.clear()
            self._passed_over.clear()
        spaces = [space for space in index.spaces(SEGMENT) if self.model and is_space_of(self.model, space)]
        kept = self._space or next(iter(spaces), "")
        if any(space != kept for space in index.spaces(SEGMENT)):
            await self.held.run(lambda: index.keep_spaces({kept}))
            self.held.has_new_vectors = True
        self._space = kept

    def next_rows(self, most: int) -> list[int]:
        """Return up to `most` rows that are to be sent next; none where all vectors together would be too many."""
        self.is_over = self._has_no_room()
        if self.is_over:
            return []
        beside = len(self._pending) + len(self._passed_over)
        lacking = self.held.index.lacking(SEGMENT, self._space or f"{self.model}/", most + beside)
        return [row for row in lacking if row not in self._pending and row not in self._passed_over][:most]

    def pass_over(self, rows: Iterable[int]) -> None:
        """Send these no more, until the model changes or the process does."""
        self._passed_over.update(rows)

    def take(self, rows: Sequence[int], space: str, vectors: Floats) -> None:
        """Keep the vectors of rows until they go into the index."""
        if space != self._space:
            self._pending.clear()
            self._space = space
        self._pending.update(zip(rows, vectors, strict=True))

    @property
    def is_worth_publishing(self) -> bool:
        """Say whether so many vectors wait that writing those beside them anew is little work for each."""
        share = self.held.index.count(SEGMENT) // PUBLISHED_SHARE
        return len(self._pending) >= max(LEAST_PUBLISHED, min(share, MOST_PENDING))

    async def publish(self) -> None:
        """Put what came into the index; rows that went meanwhile are passed over."""
        pending, self._pending = self._pending, {}
        if pending:
            space, index = self._space, self.held.index
            # They are paid for.
            with anyio.CancelScope(shield=True):
                await self.held.run(lambda: index.fill(SEGMENT, space, list(pending), np.stack(list(pending.values()))))
            self.held.has_new_vectors = True

    def _has_no_room(self) -> bool:
        dimension = int(self._space.rpartition("/")[2] or 0)
        rows = self.held.index.count(SEGMENT)
        if rows * dimension <= MAX_VECTOR_BYTES:
            return False
        self.trouble = (
            f"{rows:,} rows with {dimension:,} numbers each are beyond {MAX_VECTOR_BYTES >> 20} MiB; context_dimensions asks for less"
        )
        return True
