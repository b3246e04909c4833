"""Credentials of a connected account, for one call; read from memory, never refreshed in the request path."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from oauth.principal import Principal

ConnectionStatus = Literal["ready", "needs_auth", "missing_scope", "expired", "blocked"]
#: sigv4: AWS Signature Version 4, made for each request; `username` is the access key id
CredentialKind = Literal["bearer", "api_key", "basic", "sigv4"]


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves us to an upstream. `secret` is a bearer token, an API key, the password beside `username`, or a key that signs."""

    kind: CredentialKind
    secret: str = field(repr=False)
    username: str = ""
    account_id: str = ""
    alias: str = ""
    #: the account is everybody's in the tenant: only an operator can mend it
    is_shared: bool = False
    #: there is a refresh token, or the account is a machine's: a token that ended early is followed by another
    is_renewable: bool = True
    #: base URL that the provider named for this account (Salesforce's instance_url); "" where there is none
    api_base: str = ""
    #: sigv4 only; region and service "" where the host tells them
    session_token: str = field(repr=False, default="")
    region: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a principal could call a provider now, without asking the upstream."""

    provider: str
    status: ConnectionStatus
    accounts: tuple[str, ...] = ()
    default: str | None = None
    missing_scopes: tuple[str, ...] = ()
    #: the identities behind `accounts`, in their order: an alias may be another account's tomorrow
    account_ids: tuple[str, ...] = ()
    #: how each of `accounts` proves itself, in their order
    kinds: tuple[CredentialKind, ...] = ()

    def id_of(self, account: str | None) -> str | None:
        """Return the id of the account that is named by alias or id (None: of the default), or None where there is no such."""
        place = self._place_of(account)
        return None if place is None else (self.account_ids or self.accounts)[place]

    def kind_of(self, account: str | None) -> CredentialKind | None:
        """Return how the account that is named like that proves itself, or None where there is no such."""
        place = self._place_of(account)
        return self.kinds[place] if place is not None and self.kinds else None

    def _place_of(self, account: str | None) -> int | None:
        wanted = account or self.default
        named = zip(self.accounts, self.account_ids or self.accounts, strict=True)
        return next((place for place, each in enumerate(named) if wanted in each), None)


class Credentials(Protocol):
    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        """Say whether a call could go out; memory only."""
        ...

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        """Return the credential of `account` (alias or id; the default otherwise).

        Warm reads are memory only. Raises ConnectionNeeded (after recording the connect request behind its url) or UnknownConnection.
        """
        ...

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        """The upstream answered 401: re-read the store once; return a newer credential to try, or None."""
        ...
