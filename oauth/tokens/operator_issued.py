"""Mint an access token on the machine that owns the data, for scripts; the grant is recorded like any other."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from oauth.authorization.scope_narrowing import AllowedScopes, narrow
from oauth.errors import NotIssued
from oauth.resources import ResourceKind, Resources
from oauth.scopes import ADMIN
from oauth.stores import GrantStore
from oauth.tokens.formats import new_id
from oauth.tokens.grant_records import Grant
from oauth.tokens.reply import mint_only_token

#: what the grants of minted tokens carry as their client
MINT_CLIENT = "ascend-command-line"


@dataclass(frozen=True, slots=True)
class Minted:
    access_token: str = field(repr=False)
    grant_id: str
    scopes: frozenset[str]
    expires_at: float


class OperatorIssuedTokens:
    def __init__(
        self, store: GrantStore, resources: Resources, allowed_scopes: AllowedScopes, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._resources = resources
        self._allowed_scopes = allowed_scopes
        self._clock = clock

    async def mint(self, tenant_id: str, subject: str, scopes: frozenset[str] | None, ttl_s: float, kind: ResourceKind = "mcp") -> Minted:
        """Return an access token of the subject for a resource of the tenant; None asks for every scope that the subject may use.

        One for the administration has the one scope ADMIN; who uses it has to be an administrator then. Raises NotIssued.
        """
        allowed = await self._allowed_scopes(tenant_id, subject)
        if kind == "admin":
            allowed = frozenset({ADMIN}) if allowed else frozenset()
        # RFC 9700 §2.3: the operator acts for the subject, and gives no more than the subject may use.
        granted = allowed if scopes is None else narrow(scopes, allowed)
        if not granted:
            raise NotIssued("the user may use none of these scopes, or is disabled")
        now = self._clock()
        grant = Grant(
            grant_id=new_id("grant"),
            tenant_id=tenant_id,
            subject=subject,
            client_id=MINT_CLIENT,
            resource=self._resources.of(tenant_id, kind),
            scopes=granted,
            grant_type="minted",
            native=True,
            created_at=now,
            expires_at=now + ttl_s,
        )
        async with self._store.transaction() as rows:
            token, row = await mint_only_token(rows, grant, {"ttl_s": f"{ttl_s:.0f}"})
        return Minted(token, grant.grant_id, granted, row.expires_at)
