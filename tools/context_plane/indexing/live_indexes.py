"""The indexes of one kind, of the tenants that were asked lately: opened when asked, in step, put away when nobody asks."""

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import anyio

from capability_index.text_index import Explanation, Found, Mask, TextIndex
from tools.context_plane.indexing.corpus import Corpus
from tools.context_plane.indexing.live_index import SEGMENT, LiveIndex

log = logging.getLogger("ascend.context")

#: how long a question waits for what was kept a moment ago
CATCH_UP_S = 1.0
SAVE_AFTER_S = 30.0
#: of tenants whose index is in memory; the one not asked for longest is put away
MAX_OPEN = 64
IDLE_S = 3_600.0
EXPIRE_AFTER_S = 3_600.0
SEARCHERS = 2


class LiveIndexes:
    """`make_index` gives an empty TextIndex; it is not called before a tenant is asked for.

    `keeps_files`: the process that serves writes the files; a command beside it reads them, and leaves them alone.
    """

    def __init__(self, corpus: Corpus, make_index: Callable[[], TextIndex], directory: Path, *, keeps_files: bool = True) -> None:
        self._corpus, self._make_index, self._keeps_files = corpus, make_index, keeps_files
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

    async def search(self, tenant_id: str, query: str, mask: Mask, limit: int, candidates: int = 50) -> tuple[Found, bool]:
        """Return what fits, and whether something that was kept is missing in it (`index_behind`)."""
        is_behind = not await self.catch_up(tenant_id)
        found, _revision = await self.look(tenant_id, query, mask, limit, candidates)
        return found, is_behind

    async def look(self, tenant_id: str, query: str, mask: Mask, limit: int, candidates: int = 50) -> tuple[Found, int]:
        """Return what fits as the index stands, and where that is: nothing up to that revision is missing, and later things may be."""
        held = await self._of(tenant_id)
        revision = held.revision
        return await held.run(lambda: held.index.search(SEGMENT, query, mask, limit, candidates)), revision

    async def catch_up(self, tenant_id: str) -> bool:
        """Take over what is new; False where that would take longer than a question waits."""
        return await self._caught_up(await self._of(tenant_id))

    async def explain(self, tenant_id: str, query: str, row: int, mask: Mask) -> Explanation:
        """Return why a row stands where it stands, or what keeps it out."""
        held = await self._of(tenant_id)
        await self._caught_up(held)
        return await held.run(lambda: held.index.explain(SEGMENT, query, row, mask))

    async def follow(self, tenant_id: str) -> None:
        """Take over what is new, where the tenant's index is open."""
        if (held := self._open.get(tenant_id)) is not None:
            await held.catch_up()

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
        await held.catch_up()
        if self._keeps_files:
            await held.save()
        else:
            await held.drop_files()

    async def run(self) -> None:
        """Keep open indexes in step and their files fresh until cancelled; then write what is unwritten."""
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
                for held in self._open.values():
                    if held.is_dirty:
                        await held.save()

    async def _keep(self, held: LiveIndex, *, expires: bool = False) -> None:
        try:
            await held.catch_up()
            if expires:
                await held.expire()
            is_idle = time.monotonic() - self._asked_at[held.tenant_id] > IDLE_S
            if held.has_remains or (held.is_dirty and (is_idle or held.unsaved_s > SAVE_AFTER_S)):
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
        return LiveIndex(tenant_id, self._corpus, self._make_index(), self._folder(tenant_id), self._threads)

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
                if oldest.is_dirty and self._keeps_files:
                    await oldest.save()
            return held

    async def _caught_up(self, held: LiveIndex) -> bool:
        with anyio.move_on_after(CATCH_UP_S):
            return await held.catch_up()
        self._woken.set()
        return False
