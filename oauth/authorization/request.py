"""An authorization request that passed every check and waits for its person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """`request_id` is an opaque handle of 256 random bits, hashed at rest; pages carry it, and nothing else of the request.

    `browser` is the hash of the browser that began it (RFC 9700 §4.7): only that browser may finish. Times are epoch seconds.
    """

    request_id: str
    browser: str
    tenant_id: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    resource: str
    state: str | None
    # RFC 7636 §4.4: kept here, on the server; a challenge that travels with the browser could be exchanged.
    code_challenge: str
    prompt: frozenset[str]
    login_hint: str | None
    max_age_s: int | None
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A person signed in on our pages. `session_id` is hashed at rest and changes at every sign-in."""

    session_id: str
    tenant_id: str
    subject: str
    email: str
    authenticated_at: float
    #: password, passkey, federation (RFC 8176 spirit)
    methods: tuple[str, ...]
