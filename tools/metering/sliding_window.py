"""How much was used within the last minute, hour or day: a window that moves on by twelfths, in a few numbers."""

from collections import deque
from collections.abc import Sequence

PARTS = 12


class Part:
    """What was used in one twelfth of a window."""

    __slots__ = ("number", "requests", "tokens")

    def __init__(self, number: int) -> None:
        self.number = number
        self.requests = 0
        self.tokens = 0


class SlidingWindow:
    """Counts requests and tokens. What was used at the beginning of a part leaves the window with all of the part."""

    __slots__ = ("_part_s", "_parts", "requests", "tokens")

    def __init__(self, length_s: float) -> None:
        self._part_s = length_s / PARTS
        self._parts: deque[Part] = deque()
        self.requests = 0
        self.tokens = 0

    @classmethod
    def of(cls, length_s: float, parts: Sequence[Part]) -> "SlidingWindow":
        """Return a window of these parts, by their numbers."""
        window = cls(length_s)
        window._parts.extend(parts)
        window.requests, window.tokens = sum(part.requests for part in parts), sum(part.tokens for part in parts)
        return window

    def move_to(self, now: float) -> None:
        """Forget what has left the window by `now` (monotonic, seconds)."""
        first = int(now / self._part_s) - PARTS
        while self._parts and self._parts[0].number <= first:
            gone = self._parts.popleft()
            self.requests -= gone.requests
            self.tokens -= gone.tokens

    def take(self, now: float, tokens: int) -> Part:
        """Count one request and its tokens now; return where they are counted."""
        number = int(now / self._part_s)
        if not self._parts or self._parts[-1].number != number:
            self._parts.append(Part(number))
        part = self._parts[-1]
        part.requests += 1
        part.tokens += tokens
        self.requests += 1
        self.tokens += tokens
        return part

    def correct(self, part: Part, tokens: int) -> None:
        """Add tokens (or take some off) where they were counted; nothing where that has left the window."""
        if self._parts and part.number >= self._parts[0].number:
            part.tokens += tokens
            self.tokens += tokens

    def wait_s(self, now: float, requests: int, tokens: int) -> float:
        """Return in how many seconds so many requests and tokens will have left the window, if nothing is added."""
        for part in self._parts:
            requests -= part.requests
            tokens -= part.tokens
            if requests <= 0 and tokens <= 0:
                return max(0.0, (part.number + PARTS) * self._part_s - now)
        return PARTS * self._part_s

    def reset_s(self, now: float) -> float:
        """Return in how many seconds all of it will have left the window."""
        return max(0.0, (self._parts[-1].number + PARTS) * self._part_s - now) if self._parts else 0.0
