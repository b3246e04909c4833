"""Errors of the authorization server, and of what all of this package uses. Connections, sign-in and vault have theirs beside them.

OAuthError               answered as JSON (token, registration and the like): code, description, a debug line for the log
├── InvalidClient        401: who asks is not proven (RFC 6749 §5.2)
├── InvalidGrant         400: code, refresh token or assertion is no good
└── RegistrationRefused  400: client metadata that cannot be registered (RFC 7591 §3.2.2), nor used where a document holds it
AuthorizeError           at /authorize: shown to the person, or sent to the client's redirect URI
ConsentRefused           the person's answer cannot be taken
└── AlreadyDecided       it has the other answer already
AssertionRefused         somebody's signed assertion is no good
FetchRefused             what another server has could not be had
SealBroken               a sealed value does not open
AlreadyTaken             what must be unique is there already
NotIssued                an operator's token cannot be issued
"""

from dataclasses import dataclass


class OAuthError(Exception):
    """`description` is shown to the client and holds no secret; `debug` goes to the log only."""

    def __init__(self, code: str, description: str, *, status: int = 400, debug: str = "") -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status
        self.debug = debug


class InvalidClient(OAuthError):
    """`by_header`: the client used the Authorization header, so the answer carries WWW-Authenticate (RFC 6749 §5.2)."""

    def __init__(self, description: str = "client authentication failed", *, by_header: bool = False, debug: str = "") -> None:
        super().__init__("invalid_client", description, status=401, debug=debug)
        self.by_header = by_header


class InvalidGrant(OAuthError):
    def __init__(self, description: str, *, debug: str = "") -> None:
        super().__init__("invalid_grant", description, debug=debug)


class RegistrationRefused(OAuthError):
    def __init__(self, description: str, code: str = "invalid_client_metadata") -> None:
        super().__init__(code, description)


@dataclass(frozen=True, slots=True)
class ErrorTarget:
    """Where an authorization error may be sent: a redirect URI that was matched against its client, and the state to echo."""

    redirect_uri: str
    state: str | None


class AuthorizeError(Exception):
    """A refused authorization request. `target` None: show a page; it never redirects to what was not validated (RFC 6749 §4.1.2.1).

    `client_name` is what the client calls itself, "" while nobody knows which one it is.
    """

    def __init__(self, code: str, description: str, target: ErrorTarget | None = None, client_name: str = "") -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.target = target
        self.client_name = client_name


class ConsentRefused(Exception):
    """The request cannot be answered: it is over, of another tenant, or the person must sign in again first."""


class AlreadyDecided(ConsentRefused):
    """The request has the other answer already; the message says which, and how to change one's mind."""


class AssertionRefused(Exception):
    """The assertion is no good; the message says why and holds nothing of it."""


class FetchRefused(Exception):
    """The address may not be called, could not be reached in time, or sent too much. `reason` is for the log, never for a client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SealBroken(Exception):
    """The box was not sealed with this key for this place: damaged, moved, rolled back, or another key."""


class AlreadyTaken(Exception):
    """What must be unique is there already: a tenant's name, a subject's e-mail, a passkey's credential id, a connection's alias."""


class NotIssued(Exception):
    """An operator's token cannot be issued: no scope is left, or the tenant takes no static tokens; the message says the way out."""
