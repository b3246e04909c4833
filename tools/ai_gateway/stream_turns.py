"""How often open streams are read: those of one tenant, however many, leave the loop to the calls of others."""

from collections import Counter
from typing import Final

#: that all streams of a process may take in a second; some two fifths of a core
READS_PER_S: Final = 5_000
#: nobody sees whether words come one by one or together within this
MOST_S: Final = 0.1
#: as late, a loop has twice the work that it can do
_MUCH_S: Final = 0.02
_REMEMBERED: Final = 32


class StreamTurns:
    """Each tenant with open streams has an equal share of `READS_PER_S`, which its streams divide between them.

    What comes meanwhile is read and sent as one piece, which costs little more than one event. Of a tenant that is alone fifty streams
    are read every 10 ms and five hundred every 100 ms; one of another tenant beside those whenever something comes.
    """

    def __init__(self) -> None:
        #: tenant -> streams that are open now
        self._open: Counter[str] = Counter()
        #: how late streams wake from their pauses, of late
        self._late_s = 0.0

    def opened(self, tenant_id: str) -> None:
        """Count a stream of the tenant, until it is `closed`."""
        self._open[tenant_id] += 1

    def closed(self, tenant_id: str) -> None:
        self._open[tenant_id] -= 1
        if not self._open[tenant_id]:
            del self._open[tenant_id]

    def gap_s(self, tenant_id: str) -> float:
        """Return how long a stream of the tenant is left alone from one reading to the next: longer while the loop is behind."""
        gap_s = self._open[tenant_id] * len(self._open) / READS_PER_S
        return min(MOST_S + min(MOST_S, self._late_s), gap_s * (1 + self._late_s / _MUCH_S))

    def woke(self, late_s: float) -> None:
        """Note how much later than it wanted a stream went on."""
        self._late_s += (late_s - self._late_s) / _REMEMBERED
