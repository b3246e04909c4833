"""What connections need remembered, as a Protocol; `server/storage` keeps the promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oauth.connections.connection import Connection
from oauth.vault.checksum import Marker
from oauth.vault.secrets import SealedSecret, SecretEvent

#: who refreshes, in the audit
REFRESHER = "refresher"


def leased_event(at: float, connection: Connection) -> SecretEvent:
    """Return the audit record of a lease."""
    return SecretEvent(at, connection.tenant_id, REFRESHER, "revealed", connection.secret_name, connection.version, "refresh")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to refresh one connection until `until`. `fence` rises with every lease: a late holder cannot store."""

    connection: Connection
    secret: SealedSecret
    fence: int
    until: float


class ConnectionStore(Protocol):
    """Every method that changes something tells the change feed (topic "connections", item `account_id`)."""

    async def load(self) -> Sequence[Connection]:
        """Return every connection of every tenant, for the process's snapshot."""
        ...

    async def kin(self, tenant_id: str, subject: str, provider: str) -> Sequence[Connection]:
        """Return the accounts of one subject at one provider, oldest first."""
        ...

    async def get(self, tenant_id: str, account_id: str) -> tuple[Connection, SealedSecret] | None:
        """Return a connection with the secret of its version; None where either is missing."""
        ...

    async def put(self, connection: Connection, secret: SealedSecret, event: SecretEvent) -> bool:
        """Add a connection at version 1, or replace the version before, with its secret, in one step; False where another was first.

        The first account of a subject and provider becomes the default. Raises AlreadyTaken, StaleKey.
        """
        ...

    async def rename(self, tenant_id: str, account_id: str, alias: str) -> bool:
        """Change the alias. Raises AlreadyTaken."""
        ...

    async def make_default(self, tenant_id: str, account_id: str) -> bool:
        """Make one account the default of its subject and provider, and no other."""
        ...

    async def remove(self, tenant_id: str, account_id: str, event: SecretEvent, marker: Marker | None = None) -> bool:
        """Forget a connection and every version of its secret; another account becomes the default where this one was. Raises StaleKey."""
        ...

    async def lease_due(self, now: float, owner: str, until: float, limit: int, busy: frozenset[tuple[str, str]]) -> Sequence[Lease]:
        """Lease up to `limit` connections whose refresh is due and that nobody holds, longest due first.

        Across processes a connection has one holder at a time. Connections of the applications in `busy` are left out. The lease is
        the right to see the secret, so it leaves the audit record of that, in the same step.
        """
        ...

    async def finish_refresh(self, lease: Lease, connection: Connection, secret: SealedSecret) -> bool:
        """Store what a refresh brought and give the lease back, in one step; False where `lease.fence` or the version has moved on.

        Durable before it returns: a rotated refresh token exists nowhere else. Raises StaleKey.
        """
        ...

    async def fail_refresh(self, lease: Lease, connection: Connection) -> bool:
        """Store state, error and next due time after a refresh that brought nothing, and give the lease back; False as above."""
        ...

    async def ask_refresh(self, tenant_id: str, account_id: str, now: float) -> None:
        """Make a refresh due now: the upstream refused the access token."""
        ...

    async def earliest_expiry(self, now: float) -> float | None:
        """Return when the first of the refreshed, ready connections ends (a health figure)."""
        ...
