"""One tenant's index of one kind: loaded from its files, in step with the store, saved in one step."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import orjson

from capability_index.errors import SnapshotInvalid
from capability_index.snapshot import saving_turn
from capability_index.text_index import Mask, TextIndex
from tools.context_plane.indexing.corpus import Corpus, IndexNews

#: The numbers of what was deleted are kept for longer; a file that was not written for so long is made anew.
MAX_AGE_S = 60 * 86_400.0
_POSITION, _INDEX = "position.json", "index"
SEGMENT = "rows"
_EXPIRED_AT_ONCE = 1_000

Result = TypeVar("Result")


class LiveIndex:
    """Searched and written in threads, one writer at a time. `revision`: what it stands at, of the tenant's changes."""

    def __init__(
        self,
        tenant_id: str,
        corpus: Corpus,
        index: TextIndex,
        directory: Path,
        threads: anyio.CapacityLimiter,
        on_gone: Callable[[str], None] = lambda _tenant_id: None,
    ) -> None:
        """`on_gone` is told of a tenant whose rows were deleted, in whatever process."""
        self.tenant_id = tenant_id
        self.index = index
        self.revision = 0
        self._corpus, self._directory, self._threads, self._on_gone = corpus, directory, threads, on_gone
        self._turn = anyio.Lock()
        self._saved_revision = 0
        self._saved_at = time.monotonic()
        #: rows went since its files were written: what they said is still there
        self.has_remains = False
        #: vectors of a model came or went since then
        self.has_new_vectors = False

    @property
    def is_dirty(self) -> bool:
        """Say whether its files lack something that it knows."""
        return self.revision != self._saved_revision or self.has_new_vectors

    @property
    def has_only_new_vectors(self) -> bool:
        """Say whether its files lack nothing but vectors, which can be had again."""
        return self.has_new_vectors and self.revision == self._saved_revision

    @property
    def unsaved_s(self) -> float:
        """Return for how long its files were not written."""
        return time.monotonic() - self._saved_at

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run what takes long in a thread."""
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    async def load(self) -> None:
        """Take over the files, where there are any that fit the store; otherwise it begins empty."""
        newest = await self._corpus.revision(self.tenant_id)
        self.revision = self._saved_revision = await self.run(lambda: self._loaded(newest))

    async def catch_up(self) -> bool:
        """Take over what is new; True once nothing is missing. What was taken over stays so where it is cancelled."""
        async with self._turn:
            # Whoever waited for the turn finds it done, mostly.
            if await self._corpus.revision(self.tenant_id) == self.revision:
                return True
            while True:
                news = await self._corpus.news(self.tenant_id, self.revision)
                with anyio.CancelScope(shield=True):
                    await self.run(lambda news=news: self._take(news))  # type: ignore[misc]  # mypy and the default of a lambda
                    if news.gone:
                        self._on_gone(self.tenant_id)
                if news.is_all:
                    return True

    async def expire(self) -> None:
        """Take rows out that nobody is answered any more."""
        mask = self._corpus.expired()
        if mask is not None:
            async with self._turn:
                await self.run(lambda: self._expire(mask))

    async def lacks_deletions(self, looked_to: int) -> tuple[bool, int]:
        """Say whether rows went that its files may hold, by what changed since `looked_to`, and how far that was looked at.

        For an index that is not open: nothing is loaded, and nothing taken over.
        """
        at = max(looked_to, await self.run(self._written_revision))
        while at:
            news = await self._corpus.news(self.tenant_id, at)
            at = news.revision
            if news.gone:
                return True, at
            if news.is_all:
                break
        return False, at

    async def save(self) -> None:
        """Write its files; nothing of what was deleted is left in them, nor in memory."""
        async with self._turn:
            revision, had_new_vectors, self.has_new_vectors = self.revision, self.has_new_vectors, False
            try:
                await self.run(lambda: self._save(revision))
            except BaseException:
                self.has_new_vectors = had_new_vectors
                raise
            self._saved_revision, self._saved_at, self.has_remains = revision, time.monotonic(), False

    async def drop_files(self) -> None:
        """Delete its files: whoever comes next makes them anew from the store."""
        await self.run(self._drop)

    def _take(self, news: IndexNews) -> None:
        if news.gone:
            self.index.delete(SEGMENT, news.gone)
            self.has_remains = True
        if news.texts:
            self.index.upsert(SEGMENT, self._corpus.analysis, news.texts)
        self.revision = news.revision

    def _expire(self, mask: Mask) -> None:
        while hits := self.index.search(SEGMENT, "", mask, _EXPIRED_AT_ONCE, _EXPIRED_AT_ONCE).hits:
            self.index.delete(SEGMENT, [hit.row for hit in hits])

    def _written_revision(self) -> int:
        try:
            return int(self._position()["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def written_vectors(self) -> tuple[int, dict[str, int]]:
        """Return how many rows its files have, and how many of them have vectors, by space; (0, {}) where there are no files."""
        try:
            position = self._position()
            return int(position["rows"]), {str(space): int(count) for space, count in position["vectors"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0, {}

    def _position(self) -> Any:
        return orjson.loads((self._directory / _POSITION).read_bytes())

    def _loaded(self, newest: int) -> int:
        if not self._directory.is_dir():
            return 0
        with saving_turn(self._directory):
            return self._loaded_alone(newest)

    def _drop(self) -> None:
        if self._directory.is_dir():
            with saving_turn(self._directory):
                self._drop_alone()

    def _drop_alone(self) -> None:
        # The position first: files without one are made anew.
        (self._directory / _POSITION).unlink(missing_ok=True)
        shutil.rmtree(self._directory / _INDEX, ignore_errors=True)

    def _loaded_alone(self, newest: int) -> int:
        try:
            position = self._position()
            revision, written_at = int(position["revision"]), float(position["written_at"])
            # A store that was restored to an earlier day knows less than the file.
            if not 0 < revision <= newest or time.time() - written_at > MAX_AGE_S:
                raise SnapshotInvalid("the index is of another time")
            self.index.load(self._directory / _INDEX)
        except (OSError, ValueError, KeyError, TypeError, SnapshotInvalid):
            self._drop_alone()
            return 0
        return revision

    def _save(self, revision: int) -> None:
        if self.has_remains:
            self.index.compact(SEGMENT)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One process at a time: the position of one beside the index of another would lose what lies between them.
        with saving_turn(self._directory):
            # The position last: one that is too low has rows read twice, one too high would lose them.
            self.index.save(self._directory / _INDEX)
            fresh = self._directory / (_POSITION + ".new")
            said = {"revision": revision, "written_at": time.time(), "rows": self.index.count(SEGMENT)}
            fresh.write_bytes(orjson.dumps(said | {"vectors": dict(self.index.spaces(SEGMENT))}))
            fresh.replace(self._directory / _POSITION)
