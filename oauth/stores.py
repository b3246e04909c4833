"""What this package must remember, as Protocols; `server/storage` keeps the promises."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from oauth.audit import SecurityEvent
from oauth.clients.client import Client, ClientKind
from oauth.tokens.grant_records import (
    AccessToken,
    AuthorizationCode,
    DeviceCode,
    Grant,
    PushedRequest,
    RefreshToken,
    RememberedConsent,
    StoredRequest,
)


class ClientStore(Protocol):
    async def find(self, client_id: str) -> Client | None:
        """Return the client as stored, disabled and expired ones too."""
        ...

    async def save(self, client: Client) -> None:
        """Add the client or replace the one of the same client_id."""
        ...

    async def used(self, client_id: str, at: float, expires_at: float | None) -> None:
        """Note that the client was used; self-registered ones live on until `expires_at`."""
        ...

    async def remove(self, client_id: str) -> bool:
        """Forget the client; its grants must be revoked beside it."""
        ...

    async def all(self, kind: ClientKind | None = None) -> Sequence[Client]:
        """Return the clients, newest first."""
        ...


class OAuthRows(Protocol):
    """One transaction. What it reads with `grant`, `code`, `refresh_token`, `request` and `device_code` is locked until it ends:
    two transactions that decide about the same row run one after the other, across processes."""

    async def add_request(self, stored: StoredRequest) -> None: ...

    async def request(self, request_hash: bytes) -> StoredRequest | None: ...

    async def finish_request(self, request_hash: bytes, answered_at: float, reply_box: bytes) -> None: ...

    async def add_pushed(self, pushed: PushedRequest) -> None: ...

    async def take_pushed(self, handle_hash: bytes, client_id: str, now: float) -> PushedRequest | None:
        """Return the pushed request of this client and forget it: it serves once."""
        ...

    async def add_grant(self, grant: Grant) -> None: ...

    async def grant(self, grant_id: str) -> Grant | None: ...

    async def revoke_grant(self, grant: Grant, at: float, reason: str) -> None:
        """End the grant, everything of it, and the consent that would renew it unasked; other processes hear of it (see `hear`)."""
        ...

    async def add_code(self, code: AuthorizationCode) -> None: ...

    async def code(self, code_hash: bytes) -> AuthorizationCode | None: ...

    async def update_code(self, code: AuthorizationCode) -> None:
        """Keep the tries and the use of the code."""
        ...

    async def add_access_token(self, token: AccessToken) -> None: ...

    async def access_token(self, token_hash: bytes) -> AccessToken | None: ...

    async def remove_access_token(self, token: AccessToken) -> None:
        """End one access token; announced like `revoke_grant`."""
        ...

    async def add_refresh_token(self, token: RefreshToken) -> None: ...

    async def refresh_token(self, token_hash: bytes) -> RefreshToken | None: ...

    async def update_refresh_token(self, token: RefreshToken) -> None:
        """Keep the rotation and the sealed reply of the token."""
        ...

    async def consent(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None: ...

    async def remember_consent(self, consent: RememberedConsent) -> None: ...

    async def add_device_code(self, code: DeviceCode) -> None: ...

    async def device_code(self, device_hash: bytes) -> DeviceCode | None: ...

    async def device_code_of(self, user_code: str) -> DeviceCode | None: ...

    async def update_device_code(self, code: DeviceCode) -> None: ...

    async def use_assertion(self, issuer: str, assertion_id: str, expires_at: float) -> bool:
        """Note an assertion's `jti`; False where it was used before, however many ask at once."""
        ...

    async def note(self, event: SecurityEvent) -> None:
        """Record a security event with the change that it is about: both are kept or neither."""
        ...


class GrantStore(Protocol):
    def hear(self, listener: Callable[[Sequence[str]], None]) -> None:
        """Call `listener` with what each transaction of this process revoked, after it is durable and before its block returns:
        `grant:<id>` or `token:<hash in hex>`, as the change feed tells other processes."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[OAuthRows]:
        """Open a transaction: durable when the block ends, undone when it raises."""
        ...

    async def find_request(self, request_hash: bytes) -> StoredRequest | None:
        """Read a request without locking it."""
        ...

    async def live_access_token(self, token_hash: bytes) -> AccessToken | None:
        """Return the access token while its grant is not revoked; one read, no lock."""
        ...

    async def grant_of_refresh_token(self, token_hash: bytes) -> Grant | None:
        """Return the grant of a refresh token, rotated or not, revoked or not; one read, no lock."""
        ...

    async def live_refresh_token(self, token_hash: bytes) -> tuple[RefreshToken, Grant] | None:
        """Return the refresh token, not rotated, with its grant, not revoked; for introspection."""
        ...

    async def remembered(self, tenant_id: str, subject: str, client_id: str, redirect_uri: str, resource: str) -> RememberedConsent | None:
        """Read a remembered consent without locking it."""
        ...

    async def has_grant(self, tenant_id: str, subject: str, client_id: str) -> bool:
        """Say whether the subject ever allowed this client anything that still stands."""
        ...

    async def list_grants(self, tenant_id: str, subject: str | None = None, client_id: str | None = None) -> Sequence[Grant]:
        """Return the standing grants of a tenant, newest first."""
        ...

    async def grants_of_client(self, client_id: str) -> Sequence[Grant]:
        """Return the standing grants of a client at every tenant; for its removal."""
        ...

    async def sweep(self, now: float, reply_kept_s: float) -> None:
        """Remove what has expired, and sealed replies that are older than `reply_kept_s`.

        A spent code or rotated token outlives its family's last token.
        """
        ...


class AuditLog(Protocol):
    async def record(self, event: SecurityEvent) -> None:
        """Append an event on its own."""
        ...

    async def recent(self, tenant_id: str, limit: int = 100) -> Sequence[SecurityEvent]:
        """Return the newest events of a tenant ("" for those of none), newest first."""
        ...
