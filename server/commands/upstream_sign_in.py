"""Let people connect accounts of an upstream MCP server that asks for sign-in: find out where, and register there for each tenant."""

from dataclasses import dataclass

from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connections import KnownConnections
from oauth.connections.credentials import Credential
from oauth.connections.errors import NotDiscoverable, NotRegistered
from oauth.connections.upstream.metadata import discover
from oauth.connections.upstream.registration import register
from oauth.connections.upstream.registrations import Registrations
from oauth.principal import Principal
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.subjects import normalize_email
from oauth.tenants import DEFAULT_TENANT
from oauth.vault.vault import Vault
from server.assembly.connections import open_vault
from server.config.settings import Settings
from server.storage.store import Store
from tools.egress.addresses import authority_of
from tools.egress.client import Egress
from tools.errors import ImportFailed
from tools.operation import Failure
from tools.sources.importing import ImportRequest


@dataclass(frozen=True, slots=True)
class UpstreamEntrance:
    """How the operator, and later each person, gets into the upstream that `request` names."""

    settings: Settings
    store: Store
    vault: Vault
    request: ImportRequest

    @staticmethod
    async def open(settings: Settings, store: Store, request: ImportRequest) -> "UpstreamEntrance":
        vault = await open_vault(settings, store)
        return UpstreamEntrance(settings, store, vault, request)

    async def credential_of(self, email: str) -> Credential:
        """Return the credential of the account that a person has connected. Raises ImportFailed where there is none that works."""
        tenant_id, provider = self.request.tenant_id or DEFAULT_TENANT, self.request.provider
        try:
            wanted = normalize_email(email)
        except InvalidInput as error:
            raise ImportFailed(Failure("needs_connection", str(error))) from error
        subject = next((each for each in await self.store.subjects.of_tenant(tenant_id) if each.email == wanted), None)
        known = KnownConnections(self.store.connections, self.vault, ConnectLinks(self.store.connect_flows, self.settings.base_url))
        await known.load()
        if subject is not None:
            person = Principal(tenant_id, subject.subject_id, "import", frozenset(), "import", "local")
            if known.readiness(person, provider, frozenset()).status == "ready":
                return await known.for_call(person, provider, frozenset(), None)
        way_out = f"connect one at {self.settings.base_url}/connections, or ask the assistant to connect {provider}"
        raise ImportFailed(Failure("needs_connection", f"{email} has no working account of {provider} in {tenant_id}; {way_out}"))

    async def registered(self) -> str | None:
        """Return where accounts sign in, with the gateway newly registered there; None: it is already, or the upstream does not say."""
        try:
            return await self._register()
        except NotDiscoverable:
            return None

    async def sign_in_address(self) -> str:
        """Return what an operator does about an upstream that asks for sign-in; where it says how, the gateway is registered there now."""
        url, provider = self.request.location, self.request.provider
        try:
            issuer = await self._register()
        except NotRegistered as fault:
            return f"{url} asks for a credential: {fault}; or pipe a token in with --token-stdin"
        except NotDiscoverable as fault:
            return f"{url} asks for a credential, and does not say how accounts sign in: {fault}; pipe a token in with --token-stdin"
        where = f" at {issuer}, where this gateway is registered now" if issuer else ""
        way = f"connect an account of {provider} at {self.settings.base_url}/connections, then import again with --account EMAIL"
        return f"{url} asks for a credential: people sign in{where}; {way}"

    async def _register(self) -> str | None:
        """Register for each tenant that sees the operations, so that no tenant's name reaches the upstream with another's."""
        request = self.request
        registrations = Registrations(self.store.registrations, self.vault)
        await registrations.load()
        tenants = [each.tenant_id for each in await self.store.tenants.all()] if request.tenant_id is None else [request.tenant_id]
        missing = [tenant for tenant in tenants if registrations.find(tenant, request.provider) is None]
        if not missing:
            return None
        # The operator named the upstream, so it may be a private host; its authorization server is one that it names itself.
        async with Egress([authority_of(request.location), *self.settings.egress.egress_allow]) as egress:
            send = egress.outbound
            sign_in = await discover(send, request.location)
            for tenant in missing:
                made = await register(
                    send,
                    sign_in,
                    base_url=self.settings.base_url,
                    tenant_id=tenant,
                    provider=request.provider,
                    title=request.provider,
                )
                await registrations.add(made.registration, made.client_secret, "operator")
        return sign_in.issuer
