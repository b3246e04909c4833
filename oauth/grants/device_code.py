"""Exchange a device code once its person has answered (RFC 8628 §3.4, §3.5)."""

import time
from collections.abc import Callable
from dataclasses import replace

from oauth.clients.client import REFRESH_TOKEN, Client
from oauth.errors import InvalidGrant, OAuthError
from oauth.parameters import Parameters
from oauth.stores import GrantStore, OAuthRows
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token, is_token
from oauth.tokens.grant_records import AccessToken, DeviceCode
from oauth.tokens.lifetimes import Lifetimes
from oauth.tokens.reply import TokenReply, mint_access_token, mint_refresh_token, reply_of

# RFC 8628 §3.5: `slow_down` adds 5 seconds, for this and all later polls.
SLOWER_BY_S = 5.0
#: networks shift requests; a poll this much early is not too fast
EARLY_S = 0.5
_NO_GOOD = "device_code is unknown, used, or belongs to another client; start again"


class DeviceCodeGrant:
    """The grant type `urn:ietf:params:oauth:grant-type:device_code`."""

    def __init__(
        self, store: GrantStore, access_tokens: AccessTokens, lifetimes: Lifetimes, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._lifetimes = lifetimes
        self._clock = clock

    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Return the tokens that the person allowed. Raises OAuthError, also while the answer is pending (RFC 8628 §3.5)."""
        device_code = form.get("device_code")
        if device_code is None:
            raise OAuthError("invalid_request", "device_code is missing")
        # RFC 8628 §5.2: device codes are as long as any token; what has another shape is not worth a look-up.
        if not is_token("dc", device_code):
            raise InvalidGrant(_NO_GOOD)
        revocations = self._access_tokens.revocations
        # The poll is counted although the answer is an error, so the transaction ends before anything is raised.
        async with self._store.transaction() as rows:
            outcome = await self._decide(rows, client, hash_token(device_code))
        if isinstance(outcome, OAuthError):
            raise outcome
        reply, access_token = outcome
        self._access_tokens.remember(access_token, revocations)
        return reply

    async def _decide(self, rows: OAuthRows, client: Client, device_hash: bytes) -> tuple[TokenReply, AccessToken] | OAuthError:
        now = self._clock()
        code = await rows.device_code(device_hash)
        # RFC 8628 §3.4: the device code belongs to the client that began. RFC 6749 §5.2: foreign, used and unknown look the same.
        if code is None or code.client_id != client.client_id or code.used:
            return InvalidGrant(_NO_GOOD)
        # RFC 8628 §3.5: the end of the code comes before its answer; a yes too late gives nothing.
        if code.expires_at <= now:
            return OAuthError("expired_token", "the code has expired; start again")
        if code.denied:
            return OAuthError("access_denied", "the person said no")
        # RFC 8628 §3.3: the answer comes only from the person's browser, never from a poll.
        if code.grant_id is None:
            return await self._pending(rows, code, now)
        grant = await rows.grant(code.grant_id)
        # RFC 7009 §2.1: a grant withdrawn before the device asked again gives no token.
        if grant is None or grant.revoked_at is not None:
            return InvalidGrant(_NO_GOOD)
        # RFC 6749 §10.5, as for codes: spent in the transaction that mints, so that two polls at once get one pair.
        await rows.update_device_code(replace(code, used=True, last_polled_at=now))
        token, row = await mint_access_token(rows, grant, grant.scopes, now, self._lifetimes.access_token_s)
        # RFC 9700 §2.2.2, RFC 7591 §2: only for a client that registered for refresh tokens.
        stays = REFRESH_TOKEN in client.grant_types and grant.is_lasting
        refresh_token = await mint_refresh_token(rows, grant, 0, now, self._lifetimes) if stays else ""
        return reply_of(token, row, refresh_token), row

    async def _pending(self, rows: OAuthRows, code: DeviceCode, now: float) -> OAuthError:
        # RFC 8628 §3.5: the interval is the client's duty; measured here, or a device in a loop costs everybody.
        too_fast = code.last_polled_at is not None and now - code.last_polled_at < code.interval_s - EARLY_S
        interval_s = code.interval_s + SLOWER_BY_S * too_fast
        await rows.update_device_code(replace(code, last_polled_at=now, interval_s=interval_s))
        if too_fast:
            return OAuthError("slow_down", f"wait {interval_s:.0f} s between two requests")
        return OAuthError("authorization_pending", "the person has not answered yet")
