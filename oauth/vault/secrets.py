"""What the vault keeps, and what its store must promise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from oauth.vault.checksum import Checksum, Entry, Marker
from oauth.vault.envelope import WrappedKey

SecretAction = Literal["accepted", "sealed", "revealed", "deleted", "kek_rotated", "dek_rotated", "imported", "refused"]


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """One version of a secret, sealed for environment, tenant, name and version."""

    tenant_id: str
    name: str
    version: int
    dek_id: str
    sealed: bytes = field(repr=False)
    #: changes the tenant's mark in the transaction that keeps this
    marker: Marker | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SecretEvent:
    """An audit record: written before the secret is revealed, never changed. `actor` is a subject, or the part of us that acts."""

    at: float
    tenant_id: str
    actor: str
    action: SecretAction
    name: str
    version: int
    purpose: str


class SecretStore(Protocol):
    """Sealed secrets, wrapped keys and the audit of both."""

    async def inventory(self, tenant_id: str) -> tuple[Checksum | None, Sequence[Entry]]:
        """Return a tenant's mark and all names and versions, as they were at one moment."""
        ...

    async def remark(self, tenant_id: str, marker: Marker, *, afresh: bool = False) -> None:
        """Seal the mark anew; `afresh`: over what is there now. Raises StaleKey."""
        ...

    async def keys(self, tenant_id: str | None = None) -> Sequence[WrappedKey]:
        """Return the wrapped data keys of one tenant, or of all."""
        ...

    async def add_key(self, key: WrappedKey) -> WrappedKey:
        """Make `key` the tenant's active key, unless it has one already: two processes agree on the key that this returns."""
        ...

    async def replace_active_key(self, key: WrappedKey) -> None:
        """Make `key` the tenant's active key; the former ones open what they sealed, and seal nothing more."""
        ...

    async def rewrap(self, key: WrappedKey, former_kek_id: str) -> bool:
        """Store `key` under its new KEK where it is still under `former_kek_id`; say whether it was."""
        ...

    async def remove_unused_keys(self, tenant_id: str) -> int:
        """Remove keys that are not active and that no secret or mark needs, in one step; return how many."""
        ...

    async def put(self, secret: SealedSecret, *, keep_versions: int, event: SecretEvent) -> bool:
        """Add `secret` as the next version; False where another writer was first. Versions older than the newest `keep_versions` go.

        Raises StaleKey where its data key is not the active one any more.
        """
        ...

    async def reseal(self, secret: SealedSecret, former_dek_id: str) -> bool:
        """Replace the same version, sealed anew, where it is still under `former_dek_id`."""
        ...

    async def newest(self, tenant_id: str, name: str) -> SealedSecret | None:
        """Return the newest version."""
        ...

    async def sealed_with(self, tenant_id: str, dek_id: str, limit: int) -> Sequence[SealedSecret]:
        """Return up to `limit` secrets (any version) of the tenant under one data key."""
        ...

    async def delete(self, tenant_id: str, name: str, event: SecretEvent, marker: Marker | None = None) -> None:
        """Remove every version. Raises StaleKey."""
        ...

    async def record(self, event: SecretEvent) -> None:
        """Append one audit record, durably, before this returns."""
        ...

    async def events(self, tenant_id: str, limit: int) -> Sequence[SecretEvent]:
        """Return the newest audit records of a tenant, newest first."""
        ...

    async def sweep_events(self, actor: str, before: float) -> int:
        """Forget the records of one actor from before; return how many."""
        ...
