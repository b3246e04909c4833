"""The time as a stand-in sees it: the machine's, until somebody sets it."""

import time
from datetime import UTC, datetime, timedelta


class StandInClock:
    """Runs with the machine until it is set; from then on it stands still and moves only by what it is advanced."""

    def __init__(self, start: datetime | None = None) -> None:
        self._set_to = start

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) if self._set_to is None else self._set_to

    @property
    def seconds(self) -> float:
        """The same time as a number, for intervals; of a running clock it never goes back."""
        return time.monotonic() if self._set_to is None else self._set_to.timestamp()

    def set(self, moment: datetime) -> None:
        """Stop at a moment. Raises ValueError where it has no offset."""
        if moment.tzinfo is None:
            raise ValueError("a time without an offset; end it with Z")
        self._set_to = moment.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Move on; a running clock stops there."""
        self._set_to = self.now + timedelta(seconds=seconds)


def text_of(moment: datetime) -> str:
    """Write a time as both vendors do in answers of ours: to the second, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
