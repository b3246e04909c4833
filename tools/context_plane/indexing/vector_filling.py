"""Give the rows of open indexes the vectors of their tenants' models: beside everything else, a tenant's turn after the other's.

Nothing waits for it: rows are found by words before. The texts are read from the store right before they are sent, so that what was
forgotten is not among them; a model that fails is left alone, for longer each time.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio

from tools.context_plane.indexing.corpus import Corpus
from tools.context_plane.indexing.live_index import SEGMENT, LiveIndex
from tools.context_plane.indexing.rows_to_fill import RowsToFill
from tools.context_plane.indexing.text_vectors import NotEncoded, TextVectors, space_of

log = logging.getLogger("ascend.context")

#: of one request, and of one turn; what is behind so many characters of a text is not sent
BATCH, ROUND, MAX_CHARS = 32, 256, 6_000
#: tenants at once, and requests of one of them
TENANTS_AT_ONCE, REQUESTS_AT_ONCE = 2, 2
BATCH_TIMEOUT_S = 30.0
RETRY_S, MAX_RETRY_S = 5.0, 300.0
LOOK_AGAIN_S, LEAST_IDLE_S = 60.0, 0.25


class VectorFilling:
    """Works on the indexes that it is told of (`look`), until cancelled."""

    def __init__(self, corpus: Corpus, vectors: TextVectors, clock: Callable[[], float] = time.monotonic) -> None:
        self._corpus, self._vectors, self._clock = corpus, vectors, clock
        self._known: dict[str, RowsToFill] = {}
        #: whose turn it is: a tenant with many rows lets the others go before
        self._turns: OrderedDict[str, None] = OrderedDict()
        self._woken = anyio.Event()

    def look(self, held: LiveIndex) -> None:
        """See to the rows of an open index, where they lack vectors or have those of a model that the tenant does not name any more."""
        wanted = self._vectors.model_of(held.tenant_id)
        known = self._known.get(held.tenant_id)
        if not wanted and not held.index.spaces(SEGMENT):
            if known is not None and known.is_idle:
                self._known.pop(held.tenant_id)
            return
        if known is None or known.held is not held:
            known = self._known[held.tenant_id] = RowsToFill(held)
        known.model = wanted
        if known.scope is not None:
            known.is_wanted_again = True
        elif not known.is_held_back and known.due_at <= self._clock():
            self._turns.setdefault(held.tenant_id)
            self._woken.set()

    def is_at(self, held: LiveIndex) -> bool:
        """Say whether vectors are being made for an index now."""
        known = self._known.get(held.tenant_id)
        return known is not None and known.held is held and not known.trouble and (known.scope is not None or held.tenant_id in self._turns)

    def trouble_of(self, tenant_id: str) -> str:
        """Return why rows of a tenant get no vectors now; '' where they do, or have them."""
        return known.trouble if (known := self._known.get(tenant_id)) is not None else ""

    @asynccontextmanager
    async def held_back(self, held: LiveIndex) -> AsyncIterator[None]:
        """Send nothing of a tenant meanwhile: what is under way is given up, and what came of it is in the index."""
        known = self._known.setdefault(held.tenant_id, RowsToFill(held))
        known.is_held_back += 1
        try:
            if known.scope is not None:
                known.scope.cancel()
                await known.ended.wait()
            await known.publish()
            yield
        finally:
            known.is_held_back -= 1
            self.look(held)

    async def leave(self, held: LiveIndex) -> None:
        """Put into the index what is not there yet: it is closed."""
        if (known := self._known.get(held.tenant_id)) is not None and known.held is held:
            async with self.held_back(held):
                self._known.pop(held.tenant_id, None)
            self._turns.pop(held.tenant_id, None)
            self._known.pop(held.tenant_id, None)

    async def run(self) -> None:
        """Work until cancelled."""
        async with anyio.create_task_group() as group:
            for _ in range(TENANTS_AT_ONCE):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            if self._turns:
                tenant_id, _ = self._turns.popitem(last=False)
                known = self._known.get(tenant_id)
                if known is not None and not known.is_held_back and known.scope is None:
                    await self._turn(known)
                continue
            if self._woken.is_set():
                self._woken = anyio.Event()
            with anyio.move_on_after(self._idle_s()):
                await self._woken.wait()
            for known in list(self._known.values()):
                if known.trouble:
                    self.look(known.held)

    def _idle_s(self) -> float:
        """Return how long until somebody who failed is to be tried again."""
        due = [known.due_at - self._clock() for known in self._known.values() if known.trouble]
        return max(min([*due, LOOK_AGAIN_S]), LEAST_IDLE_S)

    async def _turn(self, known: RowsToFill) -> None:
        """Do a bounded part of what a tenant lacks."""
        known.scope, known.ended = anyio.CancelScope(), anyio.Event()
        is_more = False
        try:
            with known.scope:
                is_more = await self._round(known)
                known.failures = 0
                if known.is_over:
                    known.due_at = self._clock() + MAX_RETRY_S
                else:
                    known.trouble = ""
        except NotEncoded as failure:
            self._failed(known, str(failure), failure.retry_after_s)
        except Exception as error:  # the store may be away; the next turn tries again
            log.error("vectors_not_made", exc_info=error, extra={"facts": {"kind": self._corpus.kind, "tenant": known.held.tenant_id}})
            self._failed(known, "a fault of the gateway; its log says more", 0.0)
        finally:
            known.scope = None
            known.ended.set()
        if is_more or known.is_wanted_again:
            known.is_wanted_again = False
            self.look(known.held)

    def _failed(self, known: RowsToFill, reason: str, retry_after_s: float) -> None:
        if not known.trouble:
            facts = {"kind": self._corpus.kind, "tenant": known.held.tenant_id, "model": known.model, "reason": reason}
            log.warning("embeddings_model_failing", extra={"facts": facts})
        known.trouble = reason
        # Who says when to come again is taken at the word.
        wait_s = retry_after_s or RETRY_S * 2**known.failures
        known.due_at = self._clock() + min(max(wait_s, RETRY_S), MAX_RETRY_S)
        known.failures = 0 if retry_after_s else min(known.failures + 1, 16)

    async def _round(self, known: RowsToFill) -> bool:
        """Return whether there is more to do. Raises NotEncoded."""
        await known.keep_to_its_model()
        rows = known.next_rows(ROUND) if known.model else []
        if not rows:
            await known.publish()
            return False
        texts = await self._corpus.said(known.held.tenant_id, rows)
        known.pass_over(row for row, text in texts.items() if not text.strip())
        sent = {row: text[:MAX_CHARS] for row, text in texts.items() if text.strip()}
        size = 1 if known.takes_one else BATCH
        batches = [dict(list(sent.items())[start : start + size]) for start in range(0, len(sent), size)]
        failures: list[NotEncoded] = []
        limiter = anyio.CapacityLimiter(REQUESTS_AT_ONCE)

        async def encode(batch: Mapping[int, str]) -> None:
            async with limiter:
                if not failures:
                    try:
                        await self._encoded(known, batch)
                    except NotEncoded as failure:
                        failures.append(failure)

        async with anyio.create_task_group() as group:
            for batch in batches:
                group.start_soon(encode, batch)
        if known.is_worth_publishing or failures or len(rows) < ROUND:
            await known.publish()
        if failures:
            raise failures[0]
        return bool(sent) and not known.is_over

    async def _encoded(self, known: RowsToFill, batch: Mapping[int, str]) -> None:
        """Take over the vectors of a batch; of one that is refused find the texts that are to blame. Raises NotEncoded."""
        pieces: list[Sequence[int]] = [list(batch)]
        refused: list[int] = []
        last: NotEncoded | None = None
        while pieces:
            piece = pieces.pop()
            try:
                texts = [batch[row] for row in piece]
                vectors = await self._vectors.encode(known.held.tenant_id, texts, BATCH_TIMEOUT_S, gives_way=True)
                known.take(piece, space_of(known.model, vectors), vectors)
            except NotEncoded as failure:
                if failure.takes_one and len(piece) > 1:
                    known.takes_one = True
                    pieces += [[row] for row in piece]
                    continue
                if not failure.is_of_texts:
                    raise
                last = failure
                half = len(piece) // 2
                if half:
                    pieces += [piece[half:], piece[:half]]
                else:
                    refused += piece
        if last is not None and len(refused) == len(batch) > 1:
            # It refuses whatever it is given: that is no matter of the texts.
            raise NotEncoded(str(last))
        known.pass_over(refused)
