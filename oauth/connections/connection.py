"""A connection: one account at a provider that a subject, or a tenant as a whole, has connected."""

import json
from dataclasses import dataclass, field
from typing import Literal

from oauth.connections.credentials import CredentialKind

ConnectionState = Literal["ready", "expired", "blocked"]
#: the subject of a connection that everybody in the tenant may use
EVERYBODY = ""
#: how codes of failures begin that are nobody's word against the account: a network, a provider in trouble, our registration
PASSING = (
    "unreachable",
    "http_408",
    "http_42",
    "http_5",
    "registration:",
    "temporarily_unavailable",
    "server_error",
    "slow_down",
    "rate_limit",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything about a connection but its secret, which the vault holds under `secret_name` at `version`.

    `account_id` is ours and unique everywhere; `external_id` is the provider's name for the account.
    `scopes` None: nobody knows (a static key). Times are epoch seconds.
    """

    account_id: str
    tenant_id: str
    subject: str
    provider: str
    alias: str
    external_id: str
    title: str
    kind: CredentialKind
    scopes: frozenset[str] | None
    created_at: float
    state: ConnectionState = "ready"
    version: int = 1
    is_default: bool = False
    #: tenant whose registration at the provider was used; "" for the one that the operator shares
    registered_by: str = ""
    api_base: str = ""
    #: end of the access token; None: it does not end, as far as we know
    expires_at: float | None = None
    #: None: never refreshed (a static key, or no refresh token)
    refresh_due_at: float | None = None
    fail_count: int = 0
    #: an error code, never a provider's text
    last_error: str = ""

    @property
    def application(self) -> tuple[str, str]:
        """The registration at the provider that the account was connected by: whose, and where."""
        return self.registered_by, self.provider

    def has_ended(self, now: float) -> bool:
        """Say whether the access token is over and nothing brings another: no refresh token, or the provider refuses it.

        A refusal in words that we do not know may pass, so the refresher goes on; meanwhile the person is told the way out.
        """
        if self.state != "ready":
            return self.state == "expired"
        if self.expires_at is None or now < self.expires_at:
            return False
        return self.refresh_due_at is None or (self.fail_count > 0 and not self.last_error.startswith(PASSING))

    @property
    def secret_name(self) -> str:
        """The logical key in the vault."""
        return f"tokens:{self.tenant_id}:{self.provider}:{self.account_id}"


@dataclass(frozen=True, slots=True)
class ConnectionSecret:
    """The content of a connection's secret: tokens, or a key, or a user name and password. An AWS access key id is the user name."""

    secret: str = field(repr=False)
    username: str = field(repr=False, default="")
    refresh_token: str = field(repr=False, default="")
    #: of AWS keys only: what goes with temporary keys, and what is signed for where the host does not tell
    session_token: str = field(repr=False, default="")
    region: str = ""
    service: str = ""

    def to_bytes(self) -> bytes:
        return json.dumps({name: value for name in self.__slots__ if (value := getattr(self, name)) or name == "secret"}).encode()

    @staticmethod
    def from_bytes(content: bytes) -> "ConnectionSecret":
        return ConnectionSecret(**json.loads(content))
