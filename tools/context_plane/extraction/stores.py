"""What extraction must remember, as a Protocol; `server/storage/context_plane` keeps the promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tools.context_plane.facts import Episode

ExtractionState = Literal["done", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class Extraction:
    """How far reading one episode has come. `next_at_us`: when it is tried again, of one that waits."""

    episode_id: int
    state: ExtractionState
    attempts: int
    facts: int = 0
    dropped: int = 0
    reason: str = ""
    next_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class WaitingEpisode:
    """An episode that is to be read; `attempts`: how often it was tried."""

    episode: Episode
    attempts: int


class ExtractionStore(Protocol):
    async def waiting(self, tenant_id: str, now_us: int, limit: int) -> Sequence[WaitingEpisode]:
        """Return episodes with content that nobody read or whose time has come again, the oldest first."""
        ...

    async def note(self, tenant_id: str, extraction: Extraction) -> None:
        """Note how far an episode has come; nothing where the episode is gone."""
        ...
