"""Device codes: a device without a browser asks here, its person answers in a browser elsewhere (RFC 8628)."""

import re
import secrets
import time
from collections.abc import Callable, Mapping

from oauth.authorization.authorize import Attempt
from oauth.authorization.scope_narrowing import ProviderScopes, known
from oauth.clients.client import DEVICE_CODE, Client
from oauth.clients.lookup import Clients
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.scopes import parse
from oauth.stores import GrantStore
from oauth.tenants import Tenants
from oauth.tokens.formats import hash_token, new_token
from oauth.tokens.grant_records import DeviceCode
from oauth.tokens.lifetimes import Lifetimes

# RFC 8628 §3.2: what a client assumes when it is told nothing.
INTERVAL_S = 5.0
#: no vowels, so no words; nothing that looks like something else: 20^8 codes (RFC 8628 §6.1)
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8


class DeviceCodes:
    def __init__(
        self,
        store: GrantStore,
        clients: Clients,
        resources: Resources,
        tenants: Tenants,
        provider_scopes: ProviderScopes,
        base_url: str,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clients = clients
        self._resources = resources
        self._tenants = tenants
        self._provider_scopes = provider_scopes
        self._base_url = base_url
        self._lifetimes = lifetimes
        self._clock = clock

    @property
    def page_url(self) -> str:
        """Where the person types the code."""
        return f"{self._base_url}/device"

    async def begin(self, client: Client, form: Parameters) -> Mapping[str, object]:
        """Return the device authorization response (RFC 8628 §3.2). Raises OAuthError."""
        # RFC 7591 §2: only the grants that it registered for.
        if DEVICE_CODE not in client.grant_types:
            raise OAuthError("unauthorized_client", "this client is not registered for the device grant")
        # RFC 8707 §2: fixed now; the poll later cannot choose another audience.
        resource = self._resources.resolve(form.all("resource"))
        tenant = resource.tenant
        # RFC 8707 §2.1: as /authorize checks it.
        if not client.may_use_at(tenant.tenant_id):
            raise OAuthError("unauthorized_client", "this client is registered for another resource")
        scopes = known(parse(form.get("scope") or ""), self._provider_scopes(tenant.tenant_id), tenant.baseline_scopes)
        now = self._clock()
        # RFC 8628 §5.2: 256 bits for what machines exchange; §5.1: the short one counts on its rate limit and its ten minutes.
        device_code, user_code = new_token("dc"), "".join(secrets.choice(ALPHABET) for _ in range(USER_CODE_LENGTH))
        code = DeviceCode(
            # RFC 6749 §10.5: at rest only the hash, as for any code.
            device_hash=hash_token(device_code),
            user_code=user_code,
            client_id=client.client_id,
            tenant_id=tenant.tenant_id,
            resource=resource.url,
            scopes=scopes,
            created_at=now,
            expires_at=now + self._lifetimes.device_code_s,
            interval_s=INTERVAL_S,
        )
        async with self._store.transaction() as rows:
            await rows.add_device_code(code)
        shown = f"{user_code[:4]}-{user_code[4:]}"
        return {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": self.page_url,
            # RFC 8628 §3.3.1: the page still shows the code and asks, so that a link alone gives nothing away.
            "verification_uri_complete": f"{self.page_url}?user_code={shown}",
            "expires_in": int(self._lifetimes.device_code_s),
            "interval": int(INTERVAL_S),
        }

    async def attempt(self, typed: str) -> tuple[Attempt, bytes] | None:
        """Return what the person of this user code is asked, and the device that waits; None where no device waits for it."""
        # RFC 8628 §6.1: case and punctuation do not count; one letter too many stays, so that it fails.
        user_code = re.sub(r"[^A-Z]", "", typed.upper())[: USER_CODE_LENGTH + 1]
        async with self._store.transaction() as rows:
            code = await rows.device_code_of(user_code)
        # RFC 8628 §5.1: answered, expired and unknown look alike to whoever guesses.
        if code is None or code.expires_at <= self._clock() or code.grant_id is not None or code.denied or code.used:
            return None
        client, tenant = await self._clients.find(code.client_id), self._tenants.get(code.tenant_id)
        if client is None or tenant is None:
            return None
        # RFC 8628 §3.3: no redirect URI of a client takes part; the answer goes to our own page.
        return Attempt(
            Parameters(()), client=client, redirect_uri=self.page_url, tenant=tenant, resource=code.resource, scopes=code.scopes
        ), code.device_hash
