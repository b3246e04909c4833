"""Limits that all processes take from together, as a Protocol; `server/storage` keeps the promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.metering.sliding_window import SlidingWindow


class SharedRule(Protocol):
    """How much fits into a window; None: as much as comes. Rules that read the same (`repr`) are one."""

    @property
    def requests(self) -> int | None: ...

    @property
    def tokens(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """One window: a rule, and whom it counts there."""

    rule: SharedRule
    tenant_id: str
    whose: str
    length_s: int


@dataclass(frozen=True, slots=True)
class SharedTake:
    """What became of one call. `windows`: one for each place, as they stand at `now` (seconds of the clock that all share)."""

    is_taken: bool
    now: float
    windows: tuple[SlidingWindow, ...]
    places: tuple[SharedPlace, ...]


class SharedWindows(Protocol):
    async def take(self, places: Sequence[SharedPlace], tokens: int) -> SharedTake | None:
        """Take one request and `tokens` from every window, or from none where one has no room; one step for all processes.

        None: nobody knows, and whoever asks goes by its own count.
        """
        ...

    def correct(self, take: SharedTake, more_tokens: int) -> None:
        """Count so many tokens more (or fewer) where a call was counted; nobody waits for it."""
        ...
