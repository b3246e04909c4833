"""Errors of RFC 6749, 6750, 7591, 8628 and 8707: a code for programs, a description for people, a debug line for the log.

OAuthError            answered as JSON (token, registration and the like)
├── InvalidClient     401: who asks is not proven (RFC 6749 §5.2)
├── InvalidGrant      400: code, refresh token or assertion is no good
└── RegistrationRefused  400: client metadata that cannot be registered (RFC 7591 §3.2.2)
AuthorizeError        at /authorize: shown to the person, or sent to the client's redirect URI
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
