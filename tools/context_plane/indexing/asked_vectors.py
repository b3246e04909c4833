"""The vector of a question, where the tenant's model gives it in time; otherwise words answer, and the answer says so."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import anyio

from capability_index.text_index import ModelVector
from tools.context_plane.indexing.live_index import SEGMENT, LiveIndex
from tools.context_plane.indexing.text_vectors import NotEncoded, TextVectors, is_space_of, space_of

log = logging.getLogger("ascend.context")

#: a question waits no longer for its vector
QUERY_TIMEOUT_S = 1.0
#: after a failure a tenant's model is left alone for so long: a slow one does not slow every question
REST_S = 5.0
MAX_QUERY_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class AskedAs:
    """A question as the tenant's model has it. `without`: why there is no vector although the tenant named a model."""

    vector: ModelVector | None = None
    without: str = ""


class AskedVectors:
    """Asks for the vectors of questions."""

    def __init__(self, vectors: TextVectors, clock: Callable[[], float] = time.monotonic) -> None:
        self._vectors, self._clock = vectors, clock
        self._resting_until: dict[str, float] = {}

    async def of(self, held: LiveIndex, query: str) -> AskedAs:
        """Return the vector of `query`, within QUERY_TIMEOUT_S."""
        tenant_id, model = held.tenant_id, self._vectors.model_of(held.tenant_id)
        if not model or not query.strip() or not held.index.count(SEGMENT):
            return AskedAs()
        searched = [space for space in held.index.searched_spaces(SEGMENT) if is_space_of(model, space)]
        if not searched:
            # No numbers: some rows are other people's.
            return AskedAs(without=f"vectors of {model} are being made")
        if self._clock() < self._resting_until.get(tenant_id, 0.0):
            return AskedAs(without=f"{model} failed a moment ago")
        try:
            with anyio.fail_after(QUERY_TIMEOUT_S):
                vectors = await self._vectors.encode(tenant_id, [query[:MAX_QUERY_CHARS]], QUERY_TIMEOUT_S)
            space = space_of(model, vectors)
        except (NotEncoded, TimeoutError) as failure:
            self._resting_until[tenant_id] = self._clock() + REST_S
            return AskedAs(without=str(failure) or f"{model} did not answer within {QUERY_TIMEOUT_S:g} s")
        except Exception as error:  # words answer all the same
            log.error("question_not_encoded", exc_info=error, extra={"facts": {"tenant": tenant_id, "model": model}})
            self._resting_until[tenant_id] = self._clock() + REST_S
            return AskedAs(without="a fault of the gateway")
        self._resting_until.pop(tenant_id, None)
        if space not in searched:
            return AskedAs(without=f"{model} gives vectors of {vectors.shape[1]} numbers now, and the rows have {', '.join(searched)}")
        return AskedAs(ModelVector(space, vectors[0]))
