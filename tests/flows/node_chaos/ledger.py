"""What clients were told, and what went wrong: compared with what is there when all is well again."""

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """`acknowledged`: texts of notes that a client was told are written; `wrong`: answers that must never be."""

    acknowledged: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    #: when an attempt got no answer or was asked to come again, and what it heard
    failed: list[tuple[float, str]] = field(default_factory=list)
    #: when something was broken, from and until
    faults: list[tuple[float, float]] = field(default_factory=list)

    def fail(self, what: str) -> None:
        self.failed.append((time.monotonic(), what))

    def broken_off(self, grace_s: float) -> Counter[str]:
        """Return what failed while nothing was broken, and had not been for `grace_s`."""
        return Counter(what for at, what in self.failed if not any(start <= at <= end + grace_s for start, end in self.faults))

    def lost_and_doubled(self, written: Counter[str]) -> tuple[set[str], set[str]]:
        return self.acknowledged - written.keys(), {text for text, times in written.items() if times > 1}
