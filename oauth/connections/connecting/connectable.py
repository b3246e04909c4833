"""The providers that a person has or may have accounts at: what the connections page and `connections.list` show."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from oauth.connections.connections import KnownConnections
from oauth.connections.upstream.registrations import Registrations
from oauth.principal import Principal


@dataclass(frozen=True, slots=True)
class Connectable:
    """`needed`: at which providers the operations that a tenant sees need an account."""

    connections: KnownConnections
    registrations: Registrations
    needed: Callable[[str], Iterable[str]]

    def providers(self, principal: Principal) -> tuple[str, ...]:
        """Return all that is worth showing: registered, needed by an operation, or with an account already."""
        registered = (provider.provider_id for provider in self.registrations.listed(principal.tenant_id))
        return tuple(sorted({*registered, *self.needed(principal.tenant_id), *self.connections.providers_of(principal)}))

    def by_people(self, principal: Principal) -> tuple[str, ...]:
        """Return those where a person connects an account; machine accounts are an administrator's."""
        known = self.providers(principal)
        return tuple(name for name in known if not self.registrations.provider(principal.tenant_id, name).is_machine)
