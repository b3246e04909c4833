"""Links to our own connect page: what a call without a usable account is answered with."""

import json
import secrets
import time
from collections.abc import Callable

from oauth.connections.connecting.connect_flow import FLOW_TTL_S, ConnectFlow, ConnectFlowStore, hash_of
from oauth.principal import Principal

#: a link is given out again while at least this much of its life is left
REUSE_MIN_S = 120
#: links that are remembered; one that is forgotten still serves, and the same wish gets another
MAX_GIVEN = 5_000


def callback_url(base_url: str, tenant_id: str, provider: str) -> str:
    """Return where the provider's answers go: an address of its own for each tenant and provider."""
    return f"{base_url}/connect/callback/{tenant_id}/{provider}"


class ConnectLinks:
    """Makes flows. One principal asking again for the same thing gets the same link, so a looping agent fills no table."""

    def __init__(self, store: ConnectFlowStore, base_url: str, clock: Callable[[], float] = time.time) -> None:
        self._store, self._base_url, self._clock = store, base_url, clock
        #: who asked for what -> (link, expires_at)
        self._given: dict[tuple[str, ...], tuple[str, float]] = {}

    async def link(self, principal: Principal, provider: str, scopes: frozenset[str], account_id: str = "", alias: str = "") -> str:
        """Return the address where the subject of `principal`, signed in, connects an account of `provider`."""
        now = self._clock()
        wish = (principal.tenant_id, principal.subject, principal.client_id, provider, wish_of(scopes, account_id, alias))
        known, expires_at = self._given.get(wish, ("", 0.0))
        if known and expires_at - now >= REUSE_MIN_S and await self._is_open(known):
            return known
        # MCP, URL elicitation: the link carries no token and nothing about the person; it only finds the flow.
        handle = secrets.token_urlsafe(32)
        expires_at = now + FLOW_TTL_S
        await self._store.add(
            ConnectFlow(
                flow_hash=hash_of(handle),
                tenant_id=principal.tenant_id,
                # draft-ietf-oauth-security-topics-update: from the token of the call, never from the link
                subject=principal.subject,
                client_id=principal.client_id,
                provider=provider,
                scopes=scopes,
                state="new",
                created_at=now,
                expires_at=expires_at,
                account_id=account_id,
                alias=alias,
                wish=wish[-1],
            )
        )
        url = f"{self._base_url}/connect/{handle}"
        self._given.pop(wish, None)
        self._given[wish] = (url, expires_at)
        # By age, as they were put in: a loop over all of them at each link would be everybody's wait.
        while self._given[oldest := next(iter(self._given))][1] <= now or len(self._given) > MAX_GIVEN:
            del self._given[oldest]
        return url

    async def finished(
        self, principal: Principal, provider: str, scopes: frozenset[str], account_id: str = "", alias: str = ""
    ) -> str | None:
        """Return the account that the same wish has connected by now, once; None where it has not."""
        since = self._clock() - FLOW_TTL_S
        for flow in await self._store.done(principal.tenant_id, principal.subject, principal.client_id, provider, since):
            if flow.wish == wish_of(scopes, account_id, alias):
                await self._store.finish(flow.flow_hash, "reported", flow.account_id)
                return flow.account_id
        return None

    async def _is_open(self, url: str) -> bool:
        flow = await self._store.get(hash_of(url.rpartition("/")[2]))
        return flow is not None and flow.state in ("new", "started")


def wish_of(scopes: frozenset[str], account_id: str, alias: str) -> str:
    """Return what a link is for as one short text."""
    return hash_of(json.dumps([sorted(scopes), account_id, alias]))
