"""A tenant's mark: a sealed sum over the names and versions of all its secrets, changed with them in the same transaction.

A seal says where a row belongs, not that it is the newest: whoever can write to the database could put an old row back, together with the
connection that points to it. The sum then no longer agrees. It is an additive multiset hash: each (name, version) counts as an HMAC under
a key that only the mark holds, all added modulo 2^256, so one write changes it in one step however many secrets there are.

What it cannot show: a tenant's rows and its mark put back together, all of them from one moment, are a true picture of that moment.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

#: name and version of a secret
Entry = tuple[str, int]
_SUM_BYTES = 32
# decision 0017: as wide as the HMAC, since the sums of a narrower one collide sooner
_MODULUS = 1 << (8 * _SUM_BYTES)


@dataclass(frozen=True, slots=True)
class Checksum:
    """The mark as the store keeps it."""

    tenant_id: str
    dek_id: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """The mark, open."""

    key: bytes = field(repr=False)
    total: int
    count: int

    @staticmethod
    def of(entries: Iterable[Entry]) -> "Sum":
        """Return the sum of `entries` under a new key."""
        # RFC 2104 §3: random, as long as the hash; with a known key anybody could find rows of the same sum.
        return Sum(secrets.token_bytes(32), 0, 0).changed(tuple(entries), ())

    def changed(self, came: Sequence[Entry], gone: Sequence[Entry]) -> "Sum":
        """Return the sum after entries came and went."""
        total = self.total + sum(map(self._worth, came)) - sum(map(self._worth, gone))
        return replace(self, total=total % _MODULUS, count=self.count + len(came) - len(gone))

    def agrees(self, entries: Sequence[Entry]) -> bool:
        """Say whether this is the sum of exactly `entries`."""
        other = replace(self, total=0, count=0).changed(entries, ())
        # The count too: an additive sum alone says nothing of how many make it up.
        return self.count == other.count and hmac.compare_digest(_bytes(self.total), _bytes(other.total))

    def to_bytes(self) -> bytes:
        return self.key + _bytes(self.total) + self.count.to_bytes(8, "big")

    @staticmethod
    def from_bytes(content: bytes) -> "Sum":
        return Sum(content[:32], int.from_bytes(content[32:64], "big"), int.from_bytes(content[64:], "big"))

    def _worth(self, entry: Entry) -> int:
        # JSON keeps name and version apart, so ("a1", 1) and ("a", 11) weigh differently.
        return int.from_bytes(hmac.digest(self.key, json.dumps(entry, separators=(",", ":")).encode(), hashlib.sha256), "big")


class Marker(Protocol):
    """What a store calls inside its transactions; nothing here waits."""

    def marked(
        self, tenant_id: str, former: Checksum | None, came: Sequence[Entry], gone: Sequence[Entry], *, is_first: bool = False
    ) -> Checksum | None:
        """Return the mark after a change; `former` None: `came` is everything, and `is_first` says that there was nothing before.

        None: write no mark, because the one that should be there is lost or broken, and that shall be found. Raises StaleKey where the
        data key is not at hand.
        """
        ...


def _bytes(total: int) -> bytes:
    return total.to_bytes(_SUM_BYTES, "big")
