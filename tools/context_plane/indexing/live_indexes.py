"""The indexes of one kind, of the tenants that were asked lately: opened when asked, in step, put away when nobody asks."""

import hashlib
import logging
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import anyio

from capability_index.text_index import TextIndex
from tools.context_plane.indexing.asked_vectors import AskedVectors
from tools.context_plane.indexing.asking import Asking
from tools.context_plane.indexing.corpus import Corpus
from tools.context_plane.indexing.live_index import LiveIndex
from tools.context_plane.indexing.text_vectors import NoVectors, TextVectors
from tools.context_plane.indexing.vector_filling import VectorFilling

log = logging.getLogger("ascend.context")

#: how long a question waits for what was kept a moment ago
CATCH_UP_S = 1.0
SAVE_AFTER_S = 30.0
#: while a large index gets its vectors, all of it would be written every half minute
SAVE_FILLING_AFTER_S = 300.0
#: of tenants whose index is in memory; the one not asked for longest is put away
MAX_OPEN = 64
IDLE_S = 3_600.0
EXPIRE_AFTER_S = 3_600.0
SEARCHERS = 2


class LiveIndexes:
    """`make_index` gives an empty TextIndex; it is not called before a tenant is asked for.

    `vectors`: of the tenants that named a model for them. `keeps_files`: the process that serves writes the files; a command beside it
    reads them, and leaves them alone.
    """

    def __init__(
        self,
        corpus: Corpus,
        make_index: Callable[[], TextIndex],
        directory: Path,
        *,
        vectors: TextVectors | None = None,
        keeps_files: bool = True,
    ) -> None:
        self._corpus, self._make_index, self._keeps_files = corpus, make_index, keeps_files
        self._vectors = vectors or NoVectors()
        self._asked_vectors = AskedVectors(self._vectors)
        self.filling = VectorFilling(corpus, self._vectors)
        self._directory = directory / corpus.kind
        self._open: OrderedDict[str, LiveIndex] = OrderedDict()
        self._asked_at: dict[str, float] = {}
        self._opening = anyio.Lock()
        self._threads: anyio.CapacityLimiter | None = None
        self._woken = anyio.Event()
        #: tenants with news whose index has files and is not open; and up to where the changes of such were looked at
        self._unlooked: set[str] = set()
        self._looked_to: dict[str, int] = {}
        self._expired_at = time.monotonic()

    async def ask(self, tenant_id: str, query: str, *, as_it_stands: bool = False) -> Asking:
        """Return a question that may be searched, with its vector where the tenant's model gives it in time.

        What is new is taken over before, also in bounded time, unless `as_it_stands`.
        """
        held = await self._of(tenant_id)
        is_behind = not (as_it_stands or await self._caught_up(held))
        asked = await self._asked_vectors.of(held, query)
        self.filling.look(held)
        return Asking(held, query, is_behind, asked.vector, asked.without)

    async def ask_again(self, asking: Asking) -> Asking:
        """Return the question to the index with what is new; `is_behind` where that takes longer than a question waits."""
        is_behind = not await self._caught_up(asking.held)
        self.filling.look(asking.held)
        if asking.vector is not None:
            return replace(asking, is_behind=is_behind)
        asked = await self._asked_vectors.of(asking.held, asking.query)
        return replace(asking, is_behind=is_behind, vector=asked.vector, without=asked.without)

    async def follow(self, tenant_id: str) -> None:
        """Take over what is new, where the tenant's index is open."""
        if (held := self._open.get(tenant_id)) is not None:
            await held.catch_up()
            self.filling.look(held)

    def wake(self, tenant_id: str) -> None:
        """Have `run` take over what is new: the change feed says there is something."""
        if tenant_id in self._open:
            self._woken.set()
        elif self._keeps_files and self._folder(tenant_id).exists():
            # Nobody asks, and still: what was deleted must not stay in files.
            self._unlooked.add(tenant_id)
            self._woken.set()

    async def forget(self, tenant_id: str) -> None:
        """Take over deletions, and leave nothing of what was deleted in memory or files before returning."""
        held = await self._of(tenant_id)
        async with self.filling.held_back(held):
            await held.catch_up()
            self._vectors.forget(tenant_id)
            if self._keeps_files:
                await held.save()
            else:
                await held.drop_files()

    async def keep_only(self, tenant_ids: Collection[str]) -> None:
        """Leave nothing in memory or files of tenants that there are no more; an index is made anew of what the store has."""
        for tenant_id in [each for each in self._open if each not in tenant_ids]:
            await self.filling.leave(self._open.pop(tenant_id))
            self._vectors.forget(tenant_id)
        if self._keeps_files:
            kept = {self._folder(tenant_id).name for tenant_id in tenant_ids}
            await anyio.to_thread.run_sync(_remove_others, self._directory, kept)

    def written_vectors(self, tenant_id: str) -> tuple[int, dict[str, int]]:
        """Return how many rows of a tenant are in files, and how many of them have vectors of models, by space. Reads a small file."""
        return self._made(tenant_id).written_vectors()

    async def run(self) -> None:
        """Keep open indexes in step, their rows with vectors and their files fresh until cancelled; then write what is unwritten."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.filling.run)
            await self._follow_all()

    async def _follow_all(self) -> None:
        try:
            while True:
                with anyio.move_on_after(SAVE_AFTER_S):
                    await self._woken.wait()
                self._woken = anyio.Event()
                for tenant_id in list(self._unlooked):
                    await self._clean(tenant_id)
                is_hour_over = time.monotonic() - self._expired_at > EXPIRE_AFTER_S
                self._expired_at = time.monotonic() if is_hour_over else self._expired_at
                for held in list(self._open.values()):
                    await self._keep(held, expires=is_hour_over)
        finally:
            with anyio.move_on_after(10.0, shield=True):
                for held in list(self._open.values()):
                    await self.filling.leave(held)
                    if held.is_dirty:
                        await held.save()

    async def _keep(self, held: LiveIndex, *, expires: bool = False) -> None:
        try:
            await held.catch_up()
            if expires:
                await held.expire()
            self.filling.look(held)
            is_idle = time.monotonic() - self._asked_at[held.tenant_id] > IDLE_S
            if is_idle:
                await self.filling.leave(held)
            after_s = SAVE_FILLING_AFTER_S if held.has_only_new_vectors and self.filling.is_at(held) else SAVE_AFTER_S
            if held.has_remains or (held.is_dirty and (is_idle or held.unsaved_s > after_s)):
                await held.save()
            if is_idle:
                self._open.pop(held.tenant_id, None)
        except Exception as error:  # the store or the disk may be away; the next turn tries again
            log.error("index_not_followed", exc_info=error, extra={"facts": {"kind": self._corpus.kind, "tenant": held.tenant_id}})

    async def _clean(self, tenant_id: str) -> None:
        """Write the files of an index that is not open anew, where they hold what was deleted."""
        try:
            has_remains, looked_to = await self._made(tenant_id).lacks_deletions(self._looked_to.get(tenant_id, 0))
            if has_remains:
                await self.forget(tenant_id)
        except Exception as error:  # as in _keep
            log.error("index_not_followed", exc_info=error, extra={"facts": {"kind": self._corpus.kind, "tenant": tenant_id}})
            return
        self._unlooked.discard(tenant_id)
        self._looked_to[tenant_id] = looked_to

    def _folder(self, tenant_id: str) -> Path:
        # A tenant's name is no file's name.
        return self._directory / hashlib.sha256(tenant_id.encode()).hexdigest()[:32]

    def _made(self, tenant_id: str) -> LiveIndex:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(SEARCHERS)
        return LiveIndex(tenant_id, self._corpus, self._make_index(), self._folder(tenant_id), self._threads, self._vectors.forget)

    async def _of(self, tenant_id: str) -> LiveIndex:
        self._asked_at[tenant_id] = time.monotonic()
        if (held := self._open.get(tenant_id)) is not None:
            self._open.move_to_end(tenant_id)
            return held
        async with self._opening:
            if (held := self._open.get(tenant_id)) is not None:
                return held
            held = self._made(tenant_id)
            await held.load()
            self._unlooked.discard(tenant_id)
            self._looked_to.pop(tenant_id, None)
            self._open[tenant_id] = held
            while len(self._open) > MAX_OPEN:
                _tenant, oldest = self._open.popitem(last=False)
                await self.filling.leave(oldest)
                if oldest.is_dirty and self._keeps_files:
                    await oldest.save()
            return held

    async def _caught_up(self, held: LiveIndex) -> bool:
        with anyio.move_on_after(CATCH_UP_S):
            return await held.catch_up()
        self._woken.set()
        return False


def _remove_others(directory: Path, kept: Collection[str]) -> None:
    for folder in directory.iterdir() if directory.is_dir() else ():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
