"""What came to a stand-in: how many requests for each operation, and how many within the busiest second."""

from collections import Counter, deque
from dataclasses import dataclass, field

#: the window in which vendors count requests a second
WINDOW_S = 1.0


@dataclass(slots=True)
class Traffic:
    """Counts requests; what was refused counts as well, because the vendor counts it."""

    #: "GET /v2/calls" -> how many
    requests: Counter[str] = field(default_factory=Counter)
    #: status -> how many answers
    answers: Counter[int] = field(default_factory=Counter)
    #: connections that were torn
    torn: int = 0
    highest_per_s: int = 0
    _recent: deque[float] = field(default_factory=deque)

    @property
    def total(self) -> int:
        return self.requests.total()

    def count(self, operation: str, at_s: float) -> int:
        """Count a request; return how many came within the second that ends with it."""
        self.requests[operation] += 1
        while self._recent and at_s - self._recent[0] >= WINDOW_S:
            self._recent.popleft()
        self._recent.append(at_s)
        self.highest_per_s = max(self.highest_per_s, len(self._recent))
        return len(self._recent)

    def plain(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "total": self.total,
            "requests": dict(sorted(self.requests.items())),
            "answers": {str(status): count for status, count in sorted(self.answers.items())},
            "torn": self.torn,
            "highest_per_s": self.highest_per_s,
        }
