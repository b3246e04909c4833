"""Access tokens for the administration, for machines: of one resource, with the scopes of their role, for fifteen minutes at most."""

import math
import time
from collections.abc import Callable

from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.resources import Resources, admin_resource
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
        admin_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`admin_url`: the origin of the console, at which the metadata names the administration (RFC 9728)."""
        self._store, self._access_tokens, self._resources, self._tenants = store, access_tokens, resources, tenants
        self._lifetimes, self._admin_url, self._clock = lifetimes, admin_url, clock

    def scopes(self, machine: Machine, form: Parameters) -> frozenset[str]:
        """Return the scopes that the form asks for, all of the role where it names none. Raises OAuthError."""
        tenant = self._tenants.get(machine.tenant_id)
        if tenant is None:
            raise OAuthError("unauthorized_client", "the tenant of this machine is suspended")
        # The metadata names one resource for machines of every tenant.
        published = admin_resource(self._admin_url, DEFAULT_TENANT)
        # RFC 8707 §2, RFC 8693 §2.1: for the administration and for nothing else, however it is named.
        if _named(form) - self._names_of(machine.tenant_id) - {published}:
            raise OAuthError("invalid_target", f"this machine has tokens for {published} alone")
        allowed = scopes_of(machine.role)
        asked = frozenset(parse(form.get("scope") or "")) or allowed
        # RFC 6749 §3.3: less than was asked for, never more than the role.
        if not asked & allowed:
            raise OAuthError("invalid_scope", f"the role {machine.role.title} has {' '.join(sorted(allowed))}")
        return asked & allowed

    def tenant_of(self, form: Parameters, audience: object) -> str:
        """Return whose administration an exchange means: what the form names, else what the statement is for, else the default tenant's.

        Never what other tenants trust: none could shadow another, or make its exchanges ambiguous. `audience`: the claim `aud`.
        Raises OAuthError (invalid_target).
        """
        if named := _named(form):
            meant = {self._tenant_named(each) for each in named}
            tenant_id = meant.pop()
            if meant or tenant_id is None:
                raise OAuthError("invalid_target", "resource and audience name no administration of this gateway, or two")
            return tenant_id
        values = audience if isinstance(audience, list) else [audience]
        spoken_to = self._tenant_named(values[0]) if len(values) == 1 and isinstance(values[0], str) else None
        return spoken_to or DEFAULT_TENANT

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

    def _names_of(self, tenant_id: str) -> set[str]:
        """Return how the administration of a tenant is named: at the gateway's origin, and at the console's."""
        return {self._resources.of(tenant_id, "admin"), admin_resource(self._admin_url, tenant_id)}

    def _tenant_named(self, name: str) -> str | None:
        """Return the living tenant whose administration has this name."""
        # Built again from the id and compared whole, so that what merely resembles a name is none.
        tenant_id = next(
            (name.rpartition("/")[2] for each in self._names_of(DEFAULT_TENANT) if name.startswith(f"{each}/")), DEFAULT_TENANT
        )
        return tenant_id if name in self._names_of(tenant_id) and self._tenants.get(tenant_id) is not None else None


def _named(form: Parameters) -> set[str]:
    return {*form.all("resource"), *form.all("audience")}
