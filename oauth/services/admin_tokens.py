"""Access tokens for the administration, for machines: of one resource, with the scopes of their role, for fifteen minutes at most."""

import math
import time
from collections.abc import Callable

from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.scopes import parse
from oauth.services.machine import MAX_TOKEN_S, Machine, scopes_of
from oauth.stores import GrantStore, OAuthRows
from oauth.tenants import DEFAULT_TENANT, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import new_id
from oauth.tokens.grant_records import AccessToken, Grant, GrantType
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_only_token, reply_of


class AdminTokens:
    """What service principals and workloads get alike."""

    def __init__(
        self,
        store: GrantStore,
        access_tokens: AccessTokens,
        resources: Resources,
        tenants: Tenants,
        lifetimes: Lifetimes,
        admin_resource: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`admin_resource`: how the metadata of the administration names it (RFC 9728); each tenant has its own behind that."""
        self._store, self._access_tokens, self._resources, self._tenants = store, access_tokens, resources, tenants
        self._lifetimes, self._admin_resource, self._clock = lifetimes, admin_resource, clock

    def scopes(self, machine: Machine, form: Parameters) -> frozenset[str]:
        """Return the scopes that the form asks for, all of the role where it names none. Raises OAuthError."""
        tenant = self._tenants.get(machine.tenant_id)
        if tenant is None:
            raise OAuthError("unauthorized_client", "the tenant of this machine is suspended")
        own = self._resources.of(machine.tenant_id, "admin")
        # RFC 8707 §2, RFC 8693 §2.1: for the administration and for nothing else, however it is named.
        named = {*form.all("resource"), *form.all("audience")}
        if named - {own, self._admin_resource}:
            raise OAuthError("invalid_target", f"this machine has tokens for {self._admin_resource} alone")
        allowed = scopes_of(machine.role)
        asked = frozenset(parse(form.get("scope") or "")) or allowed
        # RFC 6749 §3.3: less than was asked for, never more than the role.
        if not asked & allowed:
            raise OAuthError("invalid_scope", f"the role {machine.role.title} has {' '.join(sorted(allowed))}")
        return asked & allowed

    def is_named(self, machine: Machine, form: Parameters) -> bool:
        """Say whether the form names the administration of the machine's own tenant."""
        own = {self._resources.of(machine.tenant_id, "admin")} | ({self._admin_resource} if machine.tenant_id == DEFAULT_TENANT else set())
        return not own.isdisjoint((*form.all("resource"), *form.all("audience")))

    async def mint(
        self, rows: OAuthRows, machine: Machine, scopes: frozenset[str], grant_type: GrantType, ends_at: float = math.inf
    ) -> tuple[str, AccessToken]:
        """Mint in a transaction of the caller, which gives the row to `remember` when it is durable."""
        now = self._clock()
        grant = Grant(
            grant_id=new_id("grant"),
            tenant_id=machine.tenant_id,
            # RFC 9700 §4.15: a subject of its own kind, which no client can choose to look like a person.
            subject=machine.machine_id,
            client_id=machine.machine_id,
            resource=self._resources.of(machine.tenant_id, "admin"),
            scopes=scopes,
            grant_type=grant_type,
            native=False,
            created_at=now,
            expires_at=min(now + min(MAX_TOKEN_S, self._lifetimes.access_token_s), ends_at),
        )
        return await mint_only_token(rows, grant, {"grant_type": grant_type, "machine": machine.by})

    def remember(self, token: str, row: AccessToken, revocations: int) -> TokenReply:
        """Return the answer, once the transaction is durable; `revocations` as they were before it."""
        self._access_tokens.remember(row, revocations)
        return reply_of(token, row, "")

    @property
    def revocations(self) -> int:
        return self._access_tokens.revocations
