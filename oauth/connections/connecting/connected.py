"""What connecting an account brought, compared with what it was for."""

from collections.abc import Iterable
from dataclasses import dataclass

from oauth.connections.connection import Connection
from oauth.connections.provider import Provider
from oauth.connections.upstream.granted_scopes import withheld_scopes


@dataclass(frozen=True, slots=True)
class Connected:
    connection: Connection
    provider: Provider
    #: the account that was to be connected again, where the person chose another one at the provider
    instead_of: Connection | None = None
    #: another account than was meant, which is no longer known
    is_another: bool = False
    #: in words: what was asked for and not granted
    withheld: tuple[str, ...] = ()

    @property
    def is_key(self) -> bool:
        """Nobody knows whether the provider takes a key before the first call."""
        return self.connection.kind != "bearer"


def asked_scopes(provider: Provider, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return what a provider is asked for: what it always is, and what the call wants."""
    return tuple(dict.fromkeys((*provider.default_scopes, *sorted(wanted))))


def compared(
    connection: Connection, provider: Provider, meant: Connection | None, asked: Iterable[str], *, is_another: bool = False
) -> Connected:
    """Return what `connection` is to a person who was asked for `meant`, or for a new account, with the scopes `asked`."""
    instead_of = meant if meant is not None and meant.account_id != connection.account_id else None
    words = tuple(provider.scope_words.get(scope, scope) for scope in withheld_scopes(connection, asked))
    return Connected(connection, provider, instead_of, is_another or instead_of is not None, words)
