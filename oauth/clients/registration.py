"""Dynamic client registration and its management (RFC 7591, RFC 7592)."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from oauth.audit import SecurityAction, SecurityEvent, reason_of
from oauth.authorization.scope_narrowing import STANDING, ProviderScopes
from oauth.clients.client import Client
from oauth.clients.lookup import UNUSED_KEPT_S
from oauth.clients.metadata import ClientMetadata, check_metadata, clean_name
from oauth.clients.redirect_uris import redirect_host
from oauth.errors import OAuthError, RegistrationRefused
from oauth.public_keys import read_object
from oauth.scopes import parse
from oauth.stores import AuditLog, ClientStore
from oauth.tenants import DEFAULT_TENANT
from oauth.tokens.formats import hash_token, is_token, new_id, new_token
from oauth.tokens.revocation import Revocation


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration as it is answered: secrets appear here once and never again."""

    client: Client
    registration_token: str
    secret: str = ""


class Registration:
    """Clients register, read, change and remove themselves. What they say is checked and nothing of it is fetched."""

    def __init__(
        self,
        store: ClientStore,
        revocation: Revocation,
        audit: AuditLog,
        base_url: str,
        provider_scopes: ProviderScopes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._revocation = revocation
        self._audit = audit
        self._base_url = base_url
        self._provider_scopes = provider_scopes
        self._clock = clock

    async def register(self, body: bytes, registered_from: str) -> Mapping[str, object]:
        """Add a client and return its registration response. Raises RegistrationRefused."""
        now = self._clock()
        try:
            metadata = check_metadata(read_object(body))
        except RegistrationRefused as refused:
            # The client's developer is told in the answer, which its user never sees: the operator is who gets asked.
            facts = {"reason": reason_of(refused.description), "from": registered_from}
            await self._audit.record(SecurityEvent("client_refused", now, facts=facts))
            raise
        # RFC 7591 §2: who names no method means client_secret_basic.
        auth_method = metadata.token_endpoint_auth_method or "client_secret_basic"
        secret = new_token("cs") if auth_method.startswith("client_secret") else ""
        registration_token = new_token("rat")
        client = Client(
            # RFC 7591 §3.2.1, RFC 6749 §2.2: ours to choose, unique, no secret; never begins like a URL (CIMD).
            client_id=new_id("client"),
            kind="dynamic",
            name="",
            redirect_uris=(),
            created_at=now,
            auth_method=auth_method,
            # RFC 6819 §5.1.4.1.3: shown once, kept as a hash.
            secret_hash=hash_token(secret) if secret else None,
            registration_hash=hash_token(registration_token),
            registered_from=registered_from,
            # RFC 7591 §5: registration is open, so what nobody uses must go.
            expires_at=now + UNUSED_KEPT_S,
        )
        client = self._described(client, metadata)
        await self._store.save(client)
        await self._record("client_registered", client)
        return self.to_wire(Registered(client, registration_token, secret))

    async def read(self, client_id: str, token: str | None) -> Mapping[str, object]:
        """Return the registration as it stands. Raises OAuthError (invalid_token)."""
        client, token = await self._own(client_id, token)
        return self.to_wire(Registered(client, token))

    async def change(self, client_id: str, token: str | None, body: bytes) -> Mapping[str, object]:
        """Replace the metadata, under the same rules as a registration (RFC 7592 §2.2). Raises OAuthError, RegistrationRefused."""
        client, token = await self._own(client_id, token)
        value = read_object(body)
        # RFC 7592 §2.2: MUST match; a client is not renamed into another.
        if value.get("client_id") not in (None, client_id):
            raise OAuthError("invalid_client_metadata", "client_id is not the one of this registration")
        metadata = check_metadata(value)
        # A stolen registration token must not turn a client with a secret into one without (RFC 7592 §5).
        if (metadata.token_endpoint_auth_method or client.auth_method) != client.auth_method:
            raise OAuthError("invalid_client_metadata", "token_endpoint_auth_method cannot change; register anew")
        # RFC 7592 §2.2: replaces; what is left out is removed, and every rule of a registration holds again.
        changed = self._described(client, metadata)
        await self._store.save(changed)
        await self._record("client_changed", changed)
        return self.to_wire(Registered(changed, token))

    async def remove(self, client_id: str, token: str | None) -> None:
        """Forget the client and end its grants (RFC 7592 §2.3). Raises OAuthError (invalid_token)."""
        client, _ = await self._own(client_id, token)
        await self._revocation.remove_client(client.client_id)

    def to_wire(self, registered: Registered) -> Mapping[str, object]:
        """Return the client information response (RFC 7591 §3.2.1)."""
        client = registered.client
        wire: dict[str, object] = {
            "client_id": client.client_id,
            "client_id_issued_at": int(client.created_at),
            "client_name": client.name,
            "redirect_uris": list(client.redirect_uris),
            "grant_types": sorted(client.grant_types),
            "response_types": ["code"],
            "token_endpoint_auth_method": client.auth_method,
            "application_type": client.application_type,
            # RFC 7592 §3: REQUIRED, with registration_client_uri
            "registration_access_token": registered.registration_token,
            "registration_client_uri": f"{self._base_url}/register/{client.client_id}",
            **dict(client.links),
        }
        optional = {"scope": client.scope, "software_id": client.software_id, "software_version": client.software_version}
        wire |= {name: value for name, value in optional.items() if value}
        if client.jwks:
            wire["jwks"] = json.loads(client.jwks)
        if client.jwks_uri:
            wire["jwks_uri"] = client.jwks_uri
        # RFC 7591 §3.2.1: client_secret_expires_at is REQUIRED beside a secret; 0 means never.
        if registered.secret:
            wire |= {"client_secret": registered.secret, "client_secret_expires_at": 0}
        return wire

    def _described(self, client: Client, metadata: ClientMetadata) -> Client:
        host = redirect_host(metadata.redirect_uris[0]) if metadata.redirect_uris else "unnamed client"
        # RFC 7591 §2: the scope is a hint and no ceiling; what does not exist here is left out, as §3.2.1 allows.
        known = STANDING | self._provider_scopes(DEFAULT_TENANT)
        return replace(
            client,
            name=clean_name(metadata.client_name, host),
            redirect_uris=tuple(metadata.redirect_uris),
            application_type=metadata.kind_of_application(),
            grant_types=metadata.allowed_grant_types(),
            scope=" ".join(scope for scope in parse(metadata.scope) if scope in known),
            jwks="" if metadata.jwks is None else json.dumps(metadata.jwks),
            jwks_uri=metadata.jwks_uri or "",
            links=metadata.links(),
            software_id=metadata.software_id,
            software_version=metadata.software_version,
        )

    async def _own(self, client_id: str, token: str | None) -> tuple[Client, str]:
        """Return the client whose registration access token this is: unknown, foreign and wrong ones look alike (RFC 7592 §2.1)."""
        # RFC 7592 §2.1, §3: the token is for this client alone; the kind is looked at before anything is read.
        client = await self._store.find(client_id) if token is not None and is_token("rat", token) else None
        if client is None or token is None or client.registration_hash is None or not client.is_usable(self._clock()):
            raise _not_yours()
        # RFC 7592 §5: over hashes of equal length, so that timing tells nothing.
        if not hmac.compare_digest(hash_token(token), client.registration_hash):
            raise _not_yours()
        return client, token

    async def _record(self, action: SecurityAction, client: Client) -> None:
        # RFC 6749 §2.3.1, RFC 7591 §5: neither secret nor token; the name is a claim, cut like every stranger's text.
        facts = {"name": client.name, "redirect_uris": " ".join(client.redirect_uris)[:2000], "from": client.registered_from}
        await self._audit.record(SecurityEvent(action, self._clock(), client.tenant_id or "", "", client.client_id, "", facts))


def _not_yours() -> OAuthError:
    # RFC 7592 §2.1, RFC 6750 §3.1: 401 also for a client that is gone, so that nobody can ask which exist.
    return OAuthError("invalid_token", "the registration access token is not the one of this client", status=401)
