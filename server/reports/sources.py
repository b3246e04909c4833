"""What reports are made from, and of which time and whose rows."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from server.storage.store import Store

DAY_US = 24 * 3_600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows of one tenant (None: of all), from one midnight of UTC until another, microseconds since the epoch."""

    tenant_id: str | None
    from_us: int
    to_us: int

    @property
    def before(self) -> "Scope":
        """The time of the same length before."""
        return Scope(self.tenant_id, 2 * self.from_us - self.to_us, self.from_us)


@dataclass(frozen=True, slots=True)
class Sources:
    """`operations_of`: names and providers of what was imported for a tenant to see; None: for all tenants together."""

    store: Store
    operations_of: Callable[[str | None], Collection[tuple[str, str]]]
