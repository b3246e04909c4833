"""End tokens, grants and clients: effective with the next request (RFC 7009)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from oauth.audit import SecurityAction, SecurityEvent
from oauth.clients.client import Client
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.stores import AuditLog, ClientStore, GrantStore
from oauth.tokens.formats import hash_token, is_token
from oauth.tokens.grant_records import Grant


class Revocation:
    """Revoking a refresh token ends its grant with everything in it; revoking an access token ends that token alone."""

    def __init__(self, grants: GrantStore, clients: ClientStore, audit: AuditLog, clock: Callable[[], float] = time.time) -> None:
        self._grants = grants
        self._clients = clients
        self._audit = audit
        self._clock = clock

    async def revoke(self, client: Client, form: Parameters) -> None:
        """Revoke the token of an authenticated client. Unknown and foreign tokens change nothing and are no error (RFC 7009 §2.2).

        The hint is not needed: our tokens say themselves what they are. Raises OAuthError where `token` is missing.
        """
        token = form.get("token")
        # RFC 7009 §2.1: REQUIRED; the only thing that this endpoint calls an error of the request.
        if token is None:
            raise OAuthError("invalid_request", "token is missing")
        if is_token("rt", token):
            grant = await self._grants.grant_of_refresh_token(hash_token(token))
            # RFC 7009 §2.1: a client ends only its own; §2.2: any other looks as if it were done.
            if grant is not None and grant.client_id == client.client_id:
                # RFC 7009 §2.1: with a refresh token go the access tokens of the same grant.
                await self.revoke_grant(grant, "revoked_by_client")
        elif is_token("at", token):
            await self.revoke_access_token(hash_token(token), "revoked_by_client", client.client_id)

    async def revoke_access_token(self, token_hash: bytes, reason: str, client_id: str | None = None) -> None:
        """End one access token; `client_id` names the only client that may."""
        async with self._grants.transaction() as rows:
            row = await rows.access_token(token_hash)
            # RFC 7009 §2.1, looked at under the lock.
            if row is None or client_id not in (None, row.client_id):
                return
            await rows.remove_access_token(row)
            # RFC 6750 §5.3, RFC 9700 §4.3.2: a token in a URL is in logs and histories, so it is dead and the audit says why.
            action: SecurityAction = "token_in_query" if reason == "token_in_query" else "token_revoked"
            await rows.note(
                SecurityEvent(action, self._clock(), row.tenant_id, row.subject, row.client_id, row.grant_id, {"reason": reason})
            )

    async def revoke_grant(self, grant: Grant, reason: str) -> bool:
        """End the grant; False where it had ended before."""
        async with self._grants.transaction() as rows:
            standing = await rows.grant(grant.grant_id)
            if standing is None or standing.revoked_at is not None:
                return False
            now = self._clock()
            await rows.revoke_grant(standing, now, reason)
            facts = {"reason": reason}
            await rows.note(SecurityEvent("grant_revoked", now, grant.tenant_id, grant.subject, grant.client_id, grant.grant_id, facts))
        return True

    async def revoke_client(self, client_id: str, reason: str) -> int:
        """End every grant of a client, at every tenant; return how many."""
        return await self._revoke_all(await self._grants.grants_of_client(client_id), reason)

    async def refuse_client(self, client: Client, reason: str) -> int:
        """Know the client on, refuse it, and end its grants everywhere; return how many."""
        # First refused, then its grants ended: the other way round it could get a new one in between.
        await self._clients.save(replace(client, disabled=True, expires_at=None))
        facts = {"reason": reason, "state": "refused"}
        await self._audit.record(
            SecurityEvent("client_changed", self._clock(), client.tenant_id or "", client_id=client.client_id, facts=facts)
        )
        return await self.revoke_client(client.client_id, reason)

    async def remove_client(self, client_id: str) -> bool:
        """Forget the client and end its grants everywhere."""
        removed = await self._clients.remove(client_id)
        # RFC 7592 §2.3: a removed client's grants and tokens end with it. After the removal, so that no new one comes in between.
        await self.revoke_client(client_id, "client_removed")
        if removed:
            await self._audit.record(SecurityEvent("client_removed", self._clock(), client_id=client_id))
        return removed

    async def _revoke_all(self, grants: Sequence[Grant], reason: str) -> int:
        return sum([await self.revoke_grant(grant, reason) for grant in grants])
