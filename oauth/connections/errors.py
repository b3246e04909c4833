"""Errors of connections: what callers are told, what people are told, what the provider said.

ConnectionNeeded    a call needs a connection that there is not, or not any more
UnknownConnection   a call names one that there is not
ConnectionRefused   one cannot be made or changed as asked
FlowRefused         connecting in the browser stops here
TokenRefused        the provider gave no tokens
NotDiscoverable     an upstream does not say where its accounts sign in
└── NotRegistered   it does, and takes no registration from us
ProviderInvalid     a provider's file or a registration breaks the rules
"""

from collections.abc import Sequence

from oauth.connections.credentials import Readiness


class ConnectionNeeded(Exception):
    """No usable account: `readiness` says why; `url` is where the signed-in person connects one."""

    def __init__(self, readiness: Readiness, url: str, message: str) -> None:
        super().__init__(message)
        self.readiness = readiness
        self.url = url
        self.message = message


class UnknownConnection(Exception):
    """The call names an account that this principal has not connected."""

    def __init__(self, account: str, known: Sequence[str]) -> None:
        super().__init__(account)
        self.account = account
        self.known = tuple(known)


class ConnectionRefused(Exception):
    """A connection cannot be made or changed as asked; the message names the thing, the rule and the way out."""


class FlowRefused(Exception):
    """A connect flow stops here. `status` is HTTP's; the message is for the person and says nothing about other people's flows.

    `handle`: of the flow where the same link can be opened again; "" where it cannot.
    """

    def __init__(self, status: int, message: str, handle: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.handle = handle


class TokenRefused(Exception):
    """The provider gave no tokens. `code` is a word for us, never the provider's text.

    `is_terminal`: the grant is dead. `is_registration`: our application is refused. Neither: worth another try.
    """

    def __init__(self, code: str, *, is_terminal: bool = False, is_registration: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.is_terminal, self.is_registration, self.retry_after_s = is_terminal, is_registration, retry_after_s


class NotDiscoverable(Exception):
    """An upstream does not say, or does not say rightly, where its accounts sign in; the message says what is wrong."""


class NotRegistered(NotDiscoverable):
    """An authorization server is known, and takes no registration from us; the message says why and what an operator does."""


class ProviderInvalid(Exception):
    """A provider's file breaks the schema, or a registration does not fit it; the message names the place and the rule, never a key."""
