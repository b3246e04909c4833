"""private_key_jwt: a client proves itself with a signed assertion (RFC 7523 §2.2 and §3)."""

import time
from collections.abc import Callable

from joserfc.jwk import KeySet

from oauth.clients.client import Client
from oauth.errors import AssertionRefused, FetchRefused, InvalidClient, RegistrationRefused
from oauth.jwt import LEEWAY_S, JwksCache, check_times, decode, is_for, read_id, unverified
from oauth.stores import GrantStore

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientAssertions:
    """Checks an assertion once: signature, issuer, subject, audience, time, and that its `jti` was never seen."""

    def __init__(self, store: GrantStore, key_sets: JwksCache, audiences: frozenset[str], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key_sets = key_sets
        self._audiences = audiences
        self._clock = clock

    @staticmethod
    def claimed_client(assertion: str) -> str:
        """Return the subject that an assertion names, not yet believed. Raises InvalidClient."""
        try:
            # RFC 8725 §3.10: only says whose keys to try; the client is believed in `check`.
            subject = unverified(assertion)[1].get("sub")
        except AssertionRefused as error:
            raise InvalidClient("client_assertion is not a signed JWT") from error
        if not isinstance(subject, str):
            raise InvalidClient("client_assertion has no sub")
        return subject

    async def check(self, client: Client, assertion: str) -> None:
        """Accept the assertion for `client`, once. Raises InvalidClient."""
        try:
            # RFC 7523 §3 items 9 and 10: the signature first, by the keys that this client registered and no others.
            claims = decode(assertion, await self._keys_of(client, unverified(assertion)[0].get("kid"))).claims
            # RFC 7523 §3 items 1 and 2B: both are the client_id, or one client's key could speak for another.
            if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
                raise AssertionRefused("iss and sub of client_assertion must be the client_id")
            # RFC 7523 §3 item 3; one value alone, or another server could replay what it was sent (audience injection).
            if not is_for(claims.get("aud"), self._audiences):
                raise AssertionRefused("aud of client_assertion must be the issuer alone")
            # RFC 7523 §3 items 4 to 6.
            expires_at = check_times(claims, self._clock())
            assertion_id = read_id(claims)
        except AssertionRefused as error:
            raise InvalidClient(str(error)) from error
        async with self._store.transaction() as rows:
            # RFC 7523 §3 item 7: the leeway belongs to it, or an assertion could come again between its exp and the end of our patience.
            if not await rows.use_assertion(client.client_id, assertion_id, expires_at + LEEWAY_S):
                raise InvalidClient("client_assertion was used before; sign a new one")

    async def _keys_of(self, client: Client, key_id: object) -> KeySet:
        try:
            # RFC 8725 §3.10: a jwks_uri is a stranger's address and goes out by the guarded way only.
            return await self._key_sets.keys(client.jwks, client.jwks_uri, wanted_key_id=key_id if isinstance(key_id, str) else None)
        except (FetchRefused, RegistrationRefused) as error:
            raise InvalidClient("the client's keys cannot be read", debug=str(error)) from error
