"""What a person sees and takes back on the account page: the clients that they allowed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oauth.audit import SecurityEvent
from oauth.stores import ClientStore, GrantStore


@dataclass(frozen=True, slots=True)
class AllowedClient:
    """A standing grant as its person reads it."""

    grant_id: str
    client_name: str
    #: only an operator's word makes a name more than the client's own claim
    verified: bool
    scopes: tuple[str, ...]
    allowed_at: float
    #: no client asked for it: an operator minted a token for a script
    minted: bool = False


class OwnGrants:
    def __init__(self, grants: GrantStore, clients: ClientStore, *, clock: Callable[[], float] = time.time) -> None:
        self._grants = grants
        self._clients = clients
        self._clock = clock

    async def standing(self, tenant_id: str, subject_id: str) -> Sequence[AllowedClient]:
        """Return what the subject allowed and has not taken back, newest first."""
        allowed: list[AllowedClient] = []
        for grant in await self._grants.list_grants(tenant_id, subject_id):
            client = await self._clients.find(grant.client_id)
            name = grant.client_id if client is None or not client.name else client.name
            verified = client is not None and client.is_verified
            minted = grant.grant_type == "minted"
            allowed.append(AllowedClient(grant.grant_id, name, verified, tuple(sorted(grant.scopes)), grant.created_at, minted))
        return tuple(allowed)

    async def revoke_all(self, tenant_id: str, subject_id: str, by: str) -> int:
        """End everything that the subject allowed; return how many grants that were. For whoever disables a subject."""
        grants = await self._grants.list_grants(tenant_id, subject_id)
        return sum([await self.revoke(tenant_id, subject_id, grant.grant_id, by=by) for grant in grants])

    async def revoke(self, tenant_id: str, subject_id: str, grant_id: str, *, by: str = "subject") -> bool:
        """End a grant of this subject with all its tokens; False where it has no such grant, or it has ended already."""
        async with self._grants.transaction() as rows:
            grant = await rows.grant(grant_id)
            # The id comes from a form: another person's grant looks like none.
            if grant is None or (grant.tenant_id, grant.subject) != (tenant_id, subject_id) or grant.revoked_at is not None:
                return False
            now = self._clock()
            await rows.revoke_grant(grant, now, f"by {by}")
            await rows.note(SecurityEvent("grant_revoked", now, tenant_id, subject_id, grant.client_id, grant_id, {"by": by}))
        return True
