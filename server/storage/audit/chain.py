"""The chain of the audit trail: SHA-256 over each row and the hash of the row before it (decision 0054).

It shows what was changed, left out or put in between. Whoever can write the whole table can write a chain anew: against that the last
hash is noted elsewhere.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import orjson

#: before the first row
START = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the trail; `details` is the JSON text as it is kept, `at_us` microseconds since the epoch, UTC."""

    seq: int
    at_us: int
    tenant_id: str
    actor: str
    surface: str
    action: str
    target: str
    details: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold, and what that means."""

    seq: int
    why: str


def hash_of(row: AuditRow, before: str) -> str:
    """Return the hash that seals `row` behind the row whose hash is `before`."""
    # As a JSON array: members that were only joined could give a part of one to the next, and keep the hash.
    return hashlib.sha256(orjson.dumps((before, *astuple(row)))).hexdigest()


@dataclass(slots=True)
class ChainCheck:
    """Follows the chain page by page, from the hash and number of what stood before its first row."""

    seq: int
    hash: str
    rows: int = 0

    def broken(self, rows: Iterable[tuple[AuditRow, str]]) -> Broken | None:
        """Return the first place where these rows do not follow, or None."""
        for row, sealed in rows:
            if row.seq != self.seq + 1:
                return Broken(self.seq + 1, f"the rows from {self.seq + 1} to {row.seq - 1} are missing")
            if hash_of(row, self.hash) != sealed:
                return Broken(row.seq, "the row is not what was written, or another stood before it")
            self.seq, self.hash = row.seq, sealed
            self.rows += 1
        return None
