"""What a flow brought, told again: a person may load the page that said so once more."""

from oauth.authorization.request import BrowserSession
from oauth.connections.connecting.connect_flow import ConnectFlow, ConnectFlowStore, hash_of
from oauth.connections.connecting.connected import Connected, asked_scopes, compared
from oauth.connections.connecting.links import wish_of
from oauth.connections.connecting.new_connection import ConnectionKeeper
from oauth.connections.upstream.registrations import Registrations


class FinishedFlows:
    """Tells the person whose flow it was, and nobody else; nothing is redeemed, kept or changed here."""

    def __init__(self, flows: ConnectFlowStore, keeper: ConnectionKeeper, registrations: Registrations) -> None:
        self._flows, self._keeper, self._registrations = flows, keeper, registrations

    async def by_answer(
        self, tenant_id: str, provider_id: str, state: str, session: BrowserSession | None, browser: str
    ) -> Connected | None:
        """Return what the answer with this `state` brought, in the browser that it came to; None where it brought nothing."""
        found = await self._flows.taken(hash_of(state))
        # RFC 9700 §4.7: a `state` that was seen on the way tells another browser nothing.
        if found is None or found[1] != browser or (found[0].tenant_id, found[0].provider) != (tenant_id, provider_id):
            return None
        return await self._told(found[0], session)

    async def by_link(self, handle: str, session: BrowserSession | None) -> Connected | None:
        """Return what the form behind a link brought; None where it brought nothing."""
        flow = await self._flows.get(hash_of(handle))
        return None if flow is None else await self._told(flow, session)

    async def tenant_of(self, handle: str) -> str | None:
        """Return the tenant of a link, finished or not; None: there is no such link any more."""
        flow = await self._flows.get(hash_of(handle))
        return None if flow is None else flow.tenant_id

    async def _told(self, flow: ConnectFlow, session: BrowserSession | None) -> Connected | None:
        if flow.state not in ("done", "reported") or session is None:
            return None
        # draft-ietf-oauth-security-topics-update: only the person whose flow it was.
        if (session.tenant_id, session.subject) != (flow.tenant_id, flow.subject):
            return None
        connection = await self._keeper.own(flow.tenant_id, flow.subject, flow.account_id)
        if connection is None:
            return None
        provider = self._registrations.provider(flow.tenant_id, flow.provider)
        # The flow holds the account that it brought; whether another one was meant is still in its wish.
        meant = {wish_of(flow.scopes, account_id, flow.alias) for account_id in ("", flow.account_id)}
        return compared(connection, provider, None, asked_scopes(provider, flow.scopes), is_another=flow.wish not in meant)
