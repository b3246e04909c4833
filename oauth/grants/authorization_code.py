"""Redeem an authorization code: once, by its client, with the verifier of its challenge (RFC 6749 §4.1.3, RFC 7636 §4.6)."""

import time
from collections.abc import Callable
from dataclasses import replace

from oauth.audit import SecurityAction, SecurityEvent
from oauth.clients.client import REFRESH_TOKEN, Client
from oauth.errors import InvalidGrant, OAuthError
from oauth.parameters import Parameters
from oauth.pkce import proves
from oauth.resources import Resources
from oauth.stores import GrantStore, OAuthRows
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, is_token
from oauth.tokens.grant_records import AccessToken, AuthorizationCode, Grant
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_access_token, mint_refresh_token, reply_of

MAX_TRIES = 5
_NO_GOOD = "code is unknown, used, expired, or belongs to another client or redirect_uri; start again at the authorization endpoint"


class AuthorizationCodeGrant:
    """The grant type `authorization_code`. A wrong verifier does not burn the code; five of them do.

    A used code that comes again with everything right means that it leaked: the grant ends (RFC 9700 §4.5). One that comes with
    anything wrong is only refused, or anybody who saw a code could end the grant (OAuth 2.1 §4.1.3).
    """

    def __init__(
        self,
        store: GrantStore,
        access_tokens: AccessTokens,
        resources: Resources,
        lifetimes: Lifetimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._resources = resources
        self._lifetimes = lifetimes
        self._clock = clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return the tokens of the code. Raises InvalidGrant, OAuthError."""
        code, verifier = form.get("code"), form.get("code_verifier")
        if code is None:
            raise OAuthError("invalid_request", "code is missing")
        # RFC 7636 §4.6, RFC 9700 §2.1.1: every code was bound to a challenge; a request without the proof would be the downgrade of RFC
        # 9700 §4.8.
        if verifier is None:
            raise OAuthError("invalid_request", "code_verifier is missing")
        # RFC 6749 §5.2: one answer for whatever is wrong with a code, so that nobody learns which codes exist.
        if not is_token("ac", code):
            raise InvalidGrant(_NO_GOOD)
        revocations = self._access_tokens.revocations
        # What is refused is still kept: the failed try, the revocation. So the transaction ends before anything is raised.
        async with self._store.transaction() as rows:
            outcome = await self._decide(rows, client, form, code, verifier)
        if isinstance(outcome, OAuthError):
            raise outcome
        if isinstance(outcome, Grant):
            raise InvalidGrant(_NO_GOOD, debug="used code presented again")
        reply, access_token = outcome
        self._access_tokens.remember(access_token, revocations)
        return reply

    async def _decide(
        self, rows: OAuthRows, client: Client, form: Parameters, code: str, verifier: str
    ) -> tuple[TokenReply, AccessToken] | Grant | OAuthError:
        """Return the tokens; the grant that had to end; or why it is refused."""
        now = self._clock()
        # RFC 9700 §4.5, RFC 6749 §10.5: only the hash is kept, so a copy of the store yields no code.
        row = await rows.code(hash_token(code))
        grant = None if row is None else await rows.grant(row.grant_id)
        # OAuth 2.1 §4.1.3 no longer asks for redirect_uri here, PKCE binds the code; a value that is sent must match (RFC 6749 §4.1.3).
        redirect_uri = form.get("redirect_uri")
        # RFC 6749 §4.1.3: the code is the authenticated client's own. Another client's try is not counted, or it could burn codes.
        if row is None or grant is None or row.client_id != client.client_id or redirect_uri not in (None, row.redirect_uri):
            return InvalidGrant(_NO_GOOD)
        # RFC 6749 §10.10: no guessing of verifiers without end.
        if row.failed_tries >= MAX_TRIES:
            return InvalidGrant(_NO_GOOD, debug="too many wrong verifiers")
        # RFC 7636 §4.6, before the code is spent: who saw a code but not its verifier must not burn it for its owner.
        if not proves(verifier, row.code_challenge):
            return await self._count_try(rows, row, grant, now)
        # RFC 8707 §2.2: no other audience than the one that the person consented to.
        if form.all("resource") and self._resource(form) != grant.resource:
            return OAuthError("invalid_target", "resource differs from the one that was authorized")
        # RFC 6749 §4.1.2: a code used twice ends what it gave; the checks above come first, as OAuth 2.1 §4.1.3 asks, against denial of
        # service.
        if row.used_at is not None:
            if grant.revoked_at is None:
                await rows.revoke_grant(grant, now, "code_replayed")
                await rows.note(_event("code_replayed", now, grant))
            return grant
        # RFC 6749 §4.1.2: codes are short-lived. After the replay check: a leak is a leak however late it shows.
        if row.expires_at <= now or grant.revoked_at is not None:
            return InvalidGrant(_NO_GOOD)
        # RFC 6749 §10.5: spent in the transaction that mints the tokens, so two exchanges at once cannot both win.
        await rows.update_code(replace(row, used_at=now))
        # RFC 6749 §4.1.3: the scopes of the grant; a `scope` of this request has no say and so can widen nothing.
        token, access_token = await mint_access_token(rows, grant, grant.scopes, now, self._lifetimes.access_token_s)
        # RFC 9700 §2.2.2, RFC 7591 §2: a refresh token only for a client that registered for them and a grant that outlives its first
        # token.
        stays = REFRESH_TOKEN in client.grant_types and grant.is_lasting
        refresh_token = await mint_refresh_token(rows, grant, 0, now, self._lifetimes) if stays else ""
        return reply_of(token, access_token, refresh_token), access_token

    async def _count_try(self, rows: OAuthRows, row: AuthorizationCode, grant: Grant, now: float) -> InvalidGrant:
        # RFC 9700 §4.5: a spent code keeps no count, or wrong replays would hide the right one that shows the leak.
        if row.used_at is None:
            await rows.update_code(replace(row, failed_tries=row.failed_tries + 1))
            if row.failed_tries + 1 == MAX_TRIES:
                await rows.note(_event("code_tries_exhausted", now, grant))
        return InvalidGrant("code_verifier does not match code_challenge")

    def _resource(self, form: Parameters) -> str | None:
        try:
            return self._resources.resolve(form.all("resource")).url
        except OAuthError:
            return None


def _event(action: SecurityAction, now: float, grant: Grant) -> SecurityEvent:
    return SecurityEvent(action, now, grant.tenant_id, grant.subject, grant.client_id, grant.grant_id)
