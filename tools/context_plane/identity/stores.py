"""What proposals must remember, as a Protocol; `server/storage/context_plane` keeps the promise."""

from collections.abc import Collection, Sequence
from typing import Protocol

from tools.context_plane.identity.pair import FoundPair, Pair, PairKey, Verdict


class PairStore(Protocol):
    """Pairs of one tenant. What somebody decided is written with the link, in `EntityRows.decide`."""

    async def position(self, tenant_id: str) -> int:
        """Return the revision up to which the tenant's entities were compared."""
        ...

    async def propose(self, tenant_id: str, found: Sequence[FoundPair], revision: int) -> None:
        """Keep pairs that are new, and that entities were compared up to `revision`.

        One whose content changed is asked about anew, unless somebody has decided. Entities that are gone meanwhile make no pair, and
        above the most that a tenant may have open, new ones are left out.
        """
        ...

    async def claim(self, tenant_id: str, now_us: int, until_us: int) -> Pair | None:
        """Return a pair that a model is to be asked about, the most alike first, and let nobody else have it until then."""
        ...

    async def judged(self, tenant_id: str, pair: Pair, verdict: Verdict, reason: str, by: str) -> None:
        """Keep a verdict about the content of `pair`; nothing where that is not its content any more."""
        ...

    async def unanswered(self, tenant_id: str, pair: Pair, next_at_us: int | None) -> None:
        """Note that there was no answer; it is asked about again at that time, or never."""
        ...

    async def asked_since(self, tenant_id: str, since_us: int) -> int:
        """Return about how many pairs a model was asked since."""
        ...

    async def open(self, tenant_id: str, limit: int) -> Sequence[Pair]:
        """Return pairs that nobody has decided: those that a model takes for one first, then the most alike."""
        ...

    async def decided(self, tenant_id: str, limit: int) -> Sequence[Pair]:
        """Return pairs that somebody has decided, the last one first."""
        ...

    async def pairs(self, tenant_id: str, keys: Collection[PairKey]) -> Sequence[Pair]: ...
