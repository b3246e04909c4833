"""What is remembered of a grant: its codes and tokens. Times are epoch seconds; tokens appear only as SHA-256 hashes."""

from dataclasses import dataclass
from typing import Literal

from oauth.authorization.request import AuthorizationRequest
from oauth.scopes import OFFLINE

GrantType = Literal["authorization_code", "device_code", "client_credentials", "jwt_bearer", "minted", "token_exchange"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a subject allowed a client at one resource: the family that its tokens belong to.

    `scopes` is the ceiling of every token, and `left_out` what was asked for and not given; `native`: the answer goes to the
    person's own machine, which decides the grace window.
    """

    grant_id: str
    tenant_id: str
    subject: str
    client_id: str
    # RFC 8707 §2: every token of the family is for this one resource
    resource: str
    scopes: frozenset[str]
    grant_type: GrantType
    native: bool
    created_at: float
    #: nothing of this grant outlives it, however often it is refreshed
    expires_at: float
    revoked_at: float | None = None
    revoke_reason: str = ""
    left_out: frozenset[str] = frozenset()

    @property
    def is_lasting(self) -> bool:
        """False: the person was asked to let the client stay connected and did not, so it gets no refresh token."""
        return OFFLINE not in self.left_out


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    code_hash: bytes
    grant_id: str
    tenant_id: str
    client_id: str
    redirect_uri: str
    # RFC 7636 §4.4: what the verifier will be held against; without one there is no code (RFC 9700 §4.8)
    code_challenge: str
    expires_at: float
    failed_tries: int = 0
    used_at: float | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`scopes` may be fewer than the grant's."""

    token_hash: bytes
    grant_id: str
    tenant_id: str
    subject: str
    client_id: str
    resource: str
    scopes: frozenset[str]
    issued_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """`rotated_at` None: the live one of its grant. `reply_box`: the sealed reply that rotated it, until the grace window ends."""

    token_hash: bytes
    grant_id: str
    tenant_id: str
    # RFC 9700 §4.14.2: which rotation of the family this is; part of what its reply is sealed for
    generation: int
    issued_at: float
    expires_at: float
    rotated_at: float | None = None
    reply_box: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """An authorization request at rest: under its hash, with what came of it.

    `device_code_hash`: the answer releases a device code instead of redirecting to a client (RFC 8628).
    `reply_box`: the redirect that answered it, sealed under the request id.
    """

    request: AuthorizationRequest
    request_hash: bytes
    device_code_hash: bytes | None = None
    answered_at: float | None = None
    reply_box: bytes | None = None


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """Parameters pushed ahead of /authorize (RFC 9126), for one use by the same client."""

    handle_hash: bytes
    client_id: str
    # RFC 9126 §4: exactly what was pushed; nothing of the browser's query is added
    parameters: tuple[tuple[str, str], ...]
    expires_at: float


@dataclass(frozen=True, slots=True)
class RememberedConsent:
    """A yes that need not be asked again while nothing of it changes; `left_out`: what the person left out of it."""

    tenant_id: str
    subject: str
    client_id: str
    redirect_uri: str
    resource: str
    scopes: frozenset[str]
    # of the client's metadata as the person saw it described (RFC 6749 §10.2)
    document_hash: str
    granted_at: float
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A device that waits for its person (RFC 8628). `grant_id` is set by a yes, `denied` by a no."""

    device_hash: bytes
    user_code: str
    client_id: str
    tenant_id: str
    resource: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float
    # RFC 8628 §3.5: grows with every `slow_down`, for this code alone
    interval_s: float
    last_polled_at: float | None = None
    grant_id: str | None = None
    denied: bool = False
    used: bool = False
