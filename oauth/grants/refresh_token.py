"""Rotate a refresh token; the same reply inside the grace window; reuse after it ends the grant (RFC 9700 §4.14, OAuth 2.1 §4.3)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from oauth.audit import SecurityEvent
from oauth.authorization.scope_narrowing import AllowedScopes, narrow
from oauth.clients.client import Client
from oauth.errors import InvalidGrant, OAuthError, SealBroken
from oauth.parameters import Parameters
from oauth.resources import Resources
from oauth.scopes import OFFLINE, parse, render
from oauth.sealing import seal_under, unseal_under
from oauth.stores import GrantStore, OAuthRows
from oauth.tenants import Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, is_token
from oauth.tokens.grant_records import AccessToken, Grant, RefreshToken
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_access_token, mint_refresh_token, reply_of

#: how many rotations behind a client may be and still be led to the live pair
MAX_GENERATIONS_BEHIND = 100
#: a replayed access token with less life than this is replaced, so that it survives the client's next request
MIN_USEFUL_S = 60.0
_NO_GOOD = "refresh_token is unknown, revoked, expired, or belongs to another client; sign in again"


@dataclass(frozen=True, slots=True)
class _Asked:
    token: str
    grant_id: str
    requested: str
    #: what the subject may use now
    scopes: frozenset[str]


class RefreshTokenGrant:
    """The grant type `refresh_token`, as an idempotent exchange.

    Clients share one refresh token between processes and retry when an answer is lost. So a token that was just rotated gets the
    identical reply again, opened with the token itself; a token several rotations behind is led along the chain of replies to the
    live pair. Nothing rotates on that path and there are never two live pairs.
    """

    def __init__(
        self,
        store: GrantStore,
        access_tokens: AccessTokens,
        resources: Resources,
        tenants: Tenants,
        allowed_scopes: AllowedScopes,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._resources = resources
        self._tenants = tenants
        self._allowed_scopes = allowed_scopes
        self._lifetimes = lifetimes
        self._clock = clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return the live pair. Raises InvalidGrant, OAuthError."""
        token = form.get("refresh_token")
        if token is None:
            raise OAuthError("invalid_request", "refresh_token is missing")
        # RFC 6749 §10.4: looked up by hash, so neither the store nor the time of a comparison gives a token away.
        grant = await self._store.grant_of_refresh_token(hash_token(token)) if is_token("rt", token) else None
        if grant is None:
            raise InvalidGrant(_NO_GOOD, debug="no such refresh token, or its grant is gone")
        # RFC 6749 §6, §10.4: bound to its client. No revocation for a foreign try, or any client could end another's grant.
        if grant.client_id != client.client_id or self._tenants.get(grant.tenant_id) is None:
            raise InvalidGrant(_NO_GOOD, debug="the grant is another client's, or its tenant is suspended")
        asked = await self._asked(grant, token, form)
        revocations = self._access_tokens.revocations
        # A revocation is kept although the answer is an error, so the transaction ends before anything is raised.
        async with self._store.transaction() as rows:
            outcome = await self._decide(rows, asked)
        if isinstance(outcome, OAuthError):
            raise outcome
        if isinstance(outcome, Grant):
            raise InvalidGrant("refresh_token was used before and not just now; the grant has ended, sign in again")
        reply, access_token = outcome
        if access_token is not None:
            self._access_tokens.remember(access_token, revocations)
        return reply

    async def _asked(self, grant: Grant, token: str, form: Parameters) -> _Asked:
        """Return what is asked for, when the grant covers it (RFC 6749 §6, RFC 8707 §2.2)."""
        # RFC 8707 §2.2: the audience of the grant, or a token stolen at one resource would open another.
        if form.all("resource") and self._resources.resolve(form.all("resource")).url != grant.resource:
            raise OAuthError("invalid_target", "resource differs from the one that was authorized")
        scopes = frozenset(parse(form.get("scope") or "")) - {OFFLINE} or grant.scopes
        # RFC 6749 §6: narrower is fine, wider needs the person.
        if not scopes <= grant.scopes:
            raise OAuthError("invalid_scope", "scope is wider than what was granted; start again at the authorization endpoint")
        # RFC 9700 §2.3: asked anew at every refresh, so that a right taken away ends within one access token's life.
        allowed = await self._allowed_scopes(grant.tenant_id, grant.subject)
        permitted = narrow(scopes, allowed)
        if not permitted - {OFFLINE}:
            raise InvalidGrant(_NO_GOOD, debug="the subject may not use any of these scopes")
        return _Asked(token, grant.grant_id, render(scopes), permitted)

    async def _decide(self, rows: OAuthRows, asked: _Asked) -> tuple[TokenReply, AccessToken | None] | Grant | OAuthError:
        """Return the reply; the grant that had to end; or why it is refused."""
        now = self._clock()
        # The grant first: who holds it may then go along the chain of its tokens without waiting for anybody who waits for it.
        grant = await rows.grant(asked.grant_id)
        row = await rows.refresh_token(hash_token(asked.token))
        # Read again under the lock: a revocation may have come in between (RFC 7009 §2.1), and it wins.
        if row is None or grant is None or grant.revoked_at is not None:
            return InvalidGrant(_NO_GOOD, debug="the grant was revoked")
        # An end that no rotation moves; the idle limit of RFC 9700 §4.14.2 is row.expires_at below.
        if grant.expires_at <= now:
            return InvalidGrant(_NO_GOOD, debug="the grant has reached its end")
        if row.rotated_at is None:
            unused = InvalidGrant(_NO_GOOD, debug="the refresh token was not used for too long")
            return unused if row.expires_at <= now else await self._rotate(rows, grant, row, asked, now)
        age_s = now - row.rotated_at
        facts = {"age_s": f"{age_s:.0f}"}
        # RFC 9700 §4.14.2: two parties hold the token and nobody can tell which is the thief, so the whole family ends.
        if age_s > self._lifetimes.grace_s(grant.native) or row.reply_box is None:
            await rows.revoke_grant(grant, now, "refresh_reused")
            await rows.note(SecurityEvent("refresh_reused", now, grant.tenant_id, grant.subject, grant.client_id, grant.grant_id, facts))
            return grant
        # Inside the window: the same answer and never a second pair, so that reuse after it still shows (RFC 9700 §4.14.2).
        await rows.note(SecurityEvent("refresh_replayed", now, grant.tenant_id, grant.subject, grant.client_id, grant.grant_id, facts))
        return await self._repeat(rows, grant, row, asked, now)

    # The old access token lives on to its end: requests in flight carry it (RFC 9700 §4.14.2 asks for the refresh token only).
    async def _rotate(self, rows: OAuthRows, grant: Grant, row: RefreshToken, asked: _Asked, now: float) -> tuple[TokenReply, AccessToken]:
        token, access_token = await mint_access_token(rows, grant, asked.scopes, now, self._lifetimes.access_token_s)
        # RFC 6749 §6: the scope of a new refresh token is the grant's, however narrow this request was.
        refresh_token = await mint_refresh_token(rows, grant, row.generation + 1, now, self._lifetimes)
        reply = reply_of(token, access_token, refresh_token, asked.requested)
        # Sealed under the presented token: the store alone cannot open the reply, so tokens stay hashed at rest (RFC 6749 §10.4).
        await rows.update_refresh_token(replace(row, rotated_at=now, reply_box=seal_under(asked.token, _purpose(row), reply.to_bytes())))
        return reply, access_token

    async def _repeat(
        self, rows: OAuthRows, grant: Grant, row: RefreshToken, asked: _Asked, now: float
    ) -> tuple[TokenReply, AccessToken | None] | OAuthError:
        """Give the reply of the rotation again, or the one of the newest rotation that followed it."""
        first = _open(asked.token, row)
        if first is None:
            return InvalidGrant(_NO_GOOD, debug="the sealed reply does not open")
        # RFC 6749 §6: another scope would be a new request, and that needs the live token.
        if first.requested != asked.requested:
            return OAuthError(
                "invalid_scope", "a rotated refresh_token repeats its reply only for the same scope; use the new refresh_token"
            )
        latest, behind = first, 0
        while (successor := await rows.refresh_token(hash_token(latest.refresh_token))) is not None and successor.rotated_at is not None:
            following = _open(latest.refresh_token, successor)
            behind += 1
            # bounded, or a very old token would hold the grant's lock for the length of its history
            if following is None or behind > MAX_GENERATIONS_BEHIND:
                return InvalidGrant(_NO_GOOD, debug="too far behind the live refresh token")
            latest = following
        # RFC 9700 §4.14.2: the idle limit holds for replays too, or a dead family would live on in its replies.
        if successor is None or successor.expires_at <= now:
            return InvalidGrant(_NO_GOOD, debug="the live refresh token was not used for too long")
        reply, minted = await self._useful(rows, grant, latest, asked, now)
        if reply != first:
            # The next one who comes with this token is led to the live pair in one step.
            resealed = seal_under(asked.token, _purpose(row), replace(reply, requested=asked.requested).to_bytes())
            await rows.update_refresh_token(replace(row, reply_box=resealed))
        return reply, minted

    async def _useful(
        self, rows: OAuthRows, grant: Grant, reply: TokenReply, asked: _Asked, now: float
    ) -> tuple[TokenReply, AccessToken | None]:
        """Return `reply`, with a fresh access token where the sealed one is dying, revoked or of another scope."""
        useful_s = min(MIN_USEFUL_S, self._lifetimes.access_token_s / 10)
        # RFC 9700 §2.3: a replay never hands back scopes that the person has lost since.
        same = reply.requested == asked.requested and frozenset(reply.scope.split()) <= asked.scopes
        if same and reply.expires_at - now >= useful_s and await rows.access_token(hash_token(reply.access_token)) is not None:
            return reply, None
        token, access_token = await mint_access_token(rows, grant, asked.scopes, now, self._lifetimes.access_token_s)
        return reply_of(token, access_token, reply.refresh_token, asked.requested), access_token


def _purpose(row: RefreshToken) -> str:
    # RFC 5869 §3.2: bound to this row; a reply copied to another row does not open.
    return f"refresh:{row.grant_id}:{row.generation}"


def _open(token: str, row: RefreshToken) -> TokenReply | None:
    if row.reply_box is None:
        return None
    try:
        return TokenReply.from_bytes(unseal_under(token, _purpose(row), row.reply_box))
    except SealBroken:
        return None
