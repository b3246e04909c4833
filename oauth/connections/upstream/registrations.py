"""Our applications at providers: a tenant's own, or the one that the operator shares with all."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from oauth.connections.app_jwt import check_private_key
from oauth.connections.client_assertion import signing_key
from oauth.connections.errors import ProviderInvalid
from oauth.connections.provider import KEY_KINDS, Provider, known_definitions, parse
from oauth.vault.secrets import SealedSecret
from oauth.vault.vault import Vault, VaultCaller

#: the tenant of what the operator shares with every tenant
SHARED = ""


@dataclass(frozen=True, slots=True)
class UpstreamRegistration:
    """`definition` is a provider of the tenant's own, as its file says it, or None for the one we bring; `inputs` fill its addresses."""

    tenant_id: str
    provider: str
    client_id: str
    definition: Mapping[str, Any] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def secret_name(self) -> str:
        """The logical key of the client secret in the vault."""
        return f"clients:{self.tenant_id}:{self.provider}"


class RegistrationStore(Protocol):
    """Tells the change feed of every change (topic "connections", item `registration`)."""

    async def load(self) -> Sequence[UpstreamRegistration]:
        """Return every registration of every tenant."""
        ...

    async def put(self, registration: UpstreamRegistration) -> None:
        """Add or replace the tenant's registration at the provider."""
        ...

    async def remove(self, tenant_id: str, provider: str) -> bool:
        """Forget a registration."""
        ...


@dataclass(frozen=True, slots=True)
class Application:
    """A registration, ready for use: what we present to the provider."""

    provider: Provider
    registered_by: str
    client_id: str
    client_secret: str = field(repr=False)


class Registrations:
    """This process's snapshot of all registrations. A tenant sees its own and the shared ones; never another tenant's."""

    def __init__(self, store: RegistrationStore, vault: Vault, clock: Callable[[], float] = time.time) -> None:
        self._store, self._vault, self._clock = store, vault, clock
        self._known: dict[tuple[str, str], tuple[UpstreamRegistration, Provider]] = {}
        self._secrets: dict[tuple[str, str], SealedSecret | None] = {}
        self.faults: list[str] = []

    async def load(self) -> None:
        """Read all registrations; one whose file no longer fits the schema is left out and named in `faults`."""
        known: dict[tuple[str, str], tuple[UpstreamRegistration, Provider]] = {}
        faults = []
        for registration in await self._store.load():
            try:
                known[registration.tenant_id, registration.provider] = (registration, provider_of(registration))
            except ProviderInvalid as fault:
                faults.append(str(fault))
        self._known, self._secrets, self.faults = known, {}, faults

    def find(self, tenant_id: str, provider: str) -> tuple[UpstreamRegistration, Provider] | None:
        """Return the tenant's own registration, else the shared one."""
        # draft-ietf-oauth-security-topics-update (COAT): a registration is no other tenant's; SHARED is the operator's.
        return self._known.get((tenant_id, provider)) or self._known.get((SHARED, provider))

    def provider(self, tenant_id: str, provider: str) -> Provider:
        """Return how `provider` is connected by `tenant_id`; one that nobody described takes a static key."""
        found = self.find(tenant_id, provider)
        if found:
            return found[1]
        if (known := known_definitions().get(provider)) and known["auth"] in KEY_KINDS:
            return parse(known, {}, provider)
        key_only = known_definitions()["api_key"]
        return parse({**key_only, "id": provider, "title": provider}, {}, provider)

    def names(self) -> list[str]:
        """Return the providers that any tenant has a registration at; for the operator of the gateway."""
        return sorted({provider for _owner, provider in self._known})

    def listed(self, tenant_id: str) -> tuple[Provider, ...]:
        """Return the providers with a registration that the tenant can use."""
        names = {provider for owner, provider in self._known if owner in (tenant_id, SHARED)}
        return tuple(self.provider(tenant_id, name) for name in sorted(names))

    async def application(self, tenant_id: str, provider: str, registered_by: str | None = None) -> Application | None:
        """Return what we present to the provider; `registered_by` names the registration that an account was made with.

        None: there is none any more. A registration of another tenant is none.
        """
        if registered_by is None:
            found = self.find(tenant_id, provider)
        else:
            # RFC 6749 §6: tokens belong to the client that got them; another registration could not refresh them, and must not see them.
            found = self._known.get((registered_by, provider)) if registered_by in (tenant_id, SHARED) else None
        if found is None:
            return None
        registration, described = found
        return Application(described, registration.tenant_id, registration.client_id, await self._secret(registration))

    async def add(self, registration: UpstreamRegistration, client_secret: str, actor: str) -> Provider:
        """Keep a registration and its secret. Raises ProviderInvalid."""
        described = provider_of(registration)
        if described.auth == "github_app":
            check_private_key(client_secret)
        elif described.client_auth == "private_key_jwt":
            signing_key(client_secret)
        caller = VaultCaller(registration.tenant_id, actor, "register application")
        # The secret first: a registration without its secret could not be used, a secret without its registration harms nobody.
        await self._vault.put(caller, registration.secret_name, client_secret.encode())
        await self._store.put(registration)
        await self.load()
        return described

    async def remove(self, tenant_id: str, provider: str, actor: str) -> bool:
        """Forget a registration and its secret."""
        removed = await self._store.remove(tenant_id, provider)
        await self._vault.delete(VaultCaller(tenant_id, actor, "remove application"), f"clients:{tenant_id}:{provider}")
        await self.load()
        return removed

    async def _secret(self, registration: UpstreamRegistration) -> str:
        # Kept sealed and opened for each use; the reveal is audited once for each load.
        caller = VaultCaller(registration.tenant_id, "gateway", "present application")
        key = (registration.tenant_id, registration.provider)
        if key not in self._secrets:
            self._secrets[key] = await self._vault.lend(caller, registration.secret_name)
        sealed = self._secrets[key]
        return "" if sealed is None else (await self._vault.open_sealed(caller, sealed)).decode()


def provider_of(registration: UpstreamRegistration) -> Provider:
    """Return the provider that a registration is for. Raises ProviderInvalid."""
    content = registration.definition or known_definitions().get(registration.provider)
    if content is None:
        known = ", ".join(sorted(known_definitions()))
        raise ProviderInvalid(f"no provider {registration.provider!r}; known are {known}; describe another one in a file like oauth2.yaml")
    return parse(content, registration.inputs, registration.provider)


def to_text(registration: UpstreamRegistration) -> str:
    """Return definition and inputs as the store keeps them."""
    return json.dumps({"definition": registration.definition, "inputs": dict(registration.inputs)})


def from_text(tenant_id: str, provider: str, client_id: str, text: str) -> UpstreamRegistration:
    """Return a registration from what the store keeps."""
    return UpstreamRegistration(tenant_id, provider, client_id, **json.loads(text))
