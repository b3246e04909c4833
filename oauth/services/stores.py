"""What this room must remember, as Protocols; `server/storage` keeps the promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oauth.clients.client import Client
from oauth.services.service_principal import ServicePrincipal
from oauth.services.trust_policy import TrustPolicy


class ServiceStore(Protocol):
    async def add(self, service: ServicePrincipal, client: Client) -> None:
        """Keep it and the client that it proves itself as, both or neither.

        Raises AlreadyTaken for a name that its tenant has, and TooManyMachines.
        """
        ...

    async def of(self, machine_id: str) -> ServicePrincipal | None:
        """Return the service principal of a client, ended by its time or not."""
        ...

    async def all(self, tenant_id: str | None = None) -> Sequence[ServicePrincipal]:
        """Return those of a tenant, or of all, by tenant and name."""
        ...

    async def remove(self, tenant_id: str, name: str) -> ServicePrincipal | None:
        """Forget it and return what it was; its client and grants are ended beside it."""
        ...


class TrustPolicyStore(Protocol):
    async def add(self, policy: TrustPolicy) -> None:
        """Keep it. Raises AlreadyTaken for a name that its tenant has, and TooManyMachines: also for addresses of one issuer's keys."""
        ...

    async def of(self, machine_id: str) -> TrustPolicy | None: ...

    async def of_issuer(self, issuer: str, tenant_id: str | None) -> Sequence[TrustPolicy]:
        """Return the policies of a tenant that trust this issuer; None: of all tenants."""
        ...

    async def all(self, tenant_id: str | None = None) -> Sequence[TrustPolicy]:
        """Return those of a tenant, or of all, by tenant and name."""
        ...

    async def remove(self, tenant_id: str, name: str) -> TrustPolicy | None:
        """Forget it and return what it was; its grants are ended beside it."""
        ...


@dataclass(frozen=True, slots=True)
class MachineStores:
    """Where the machines that administer are kept."""

    services: ServiceStore
    policies: TrustPolicyStore
