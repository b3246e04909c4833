"""private_key_jwt: a client proves itself with a signed assertion (RFC 7523 §2.2 and §3)."""

import base64
import binascii
import json
import time
from collections.abc import Callable

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import Token

from oauth.client_metadata import import_public_keys, read_object
from oauth.client_record import Client
from oauth.errors import InvalidClient, RegistrationRefused
from oauth.fetch import Fetch, FetchRefused
from oauth.stores import GrantStore

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "Ed25519", "EdDSA")
MAX_ASSERTION_LENGTH = 8192
MAX_LIFETIME_S = 600
LEEWAY_S = 30
MAX_JWKS_BYTES = 65536
JWKS_FRESH_S = 300.0


class KeySets:
    """Public keys of clients and issuers: inside their metadata, or at an https URL, kept for five minutes."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        #: jwks_uri -> (keys, when they were read)
        self._read_by_uri: dict[str, tuple[KeySet, float]] = {}

    async def keys(self, jwks: str, jwks_uri: str) -> KeySet:
        """Return the keys. Raises FetchRefused, RegistrationRefused."""
        if jwks:
            return import_public_keys(read_object(jwks.encode()))
        now = self._clock()
        known = self._read_by_uri.get(jwks_uri)
        if known is not None and now - known[1] < JWKS_FRESH_S:
            return known[0]
        fetched = await self._fetch(jwks_uri, max_bytes=MAX_JWKS_BYTES, timeout_s=5.0)
        if fetched.status != 200:
            raise FetchRefused(f"jwks_uri answered {fetched.status}")
        keys = import_public_keys(read_object(fetched.body))
        if len(self._read_by_uri) >= 1000:
            self._read_by_uri.clear()
        self._read_by_uri[jwks_uri] = (keys, now)
        return keys


class ClientAssertions:
    """Checks an assertion once: signature, issuer, subject, audience, time, and that its `jti` was never seen."""

    def __init__(self, store: GrantStore, key_sets: KeySets, audiences: frozenset[str], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key_sets = key_sets
        self._audiences = audiences
        self._clock = clock

    @staticmethod
    def claimed_client(assertion: str) -> str:
        """Return the subject that an assertion names, not yet believed. Raises InvalidClient."""
        try:
            payload = assertion.split(".")[1]
            subject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("sub")
        except (IndexError, ValueError, binascii.Error, AttributeError, RecursionError) as error:
            raise InvalidClient("client_assertion is not a signed JWT") from error
        if not isinstance(subject, str):
            raise InvalidClient("client_assertion has no sub")
        return subject

    async def check(self, client: Client, assertion: str) -> None:
        """Accept the assertion for `client`, once. Raises InvalidClient."""
        now = self._clock()
        token = decode(assertion, await self._keys_of(client))
        claims = token.claims
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise InvalidClient("iss and sub of client_assertion must be the client_id")
        if not is_for(claims.get("aud"), self._audiences):
            raise InvalidClient("aud of client_assertion must be the issuer alone")
        expires_at = check_times(claims, now)
        assertion_id = claims.get("jti")
        if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= 255:
            raise InvalidClient("client_assertion needs a jti of at most 255 characters")
        async with self._store.transaction() as rows:
            if not await rows.use_assertion(client.client_id, assertion_id, expires_at + LEEWAY_S):
                raise InvalidClient("client_assertion was used before; sign a new one")

    async def _keys_of(self, client: Client) -> KeySet:
        try:
            return await self._key_sets.keys(client.jwks, client.jwks_uri)
        except (FetchRefused, RegistrationRefused) as error:
            raise InvalidClient("the client's keys cannot be read", debug=str(error)) from error


def decode(assertion: str, keys: KeySet) -> Token:
    """Return the verified token. Raises InvalidClient."""
    if len(assertion) > MAX_ASSERTION_LENGTH:
        raise InvalidClient(f"the assertion is longer than {MAX_ASSERTION_LENGTH} characters")
    try:
        return jwt.decode(assertion, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidClient("the assertion's signature or form is not valid", debug=type(error).__name__) from error


def is_for(audience: object, accepted: frozenset[str]) -> bool:
    """Say whether `aud` names one accepted audience and no other: a second one could be someone else's server."""
    values = audience if isinstance(audience, list) else [audience]
    return len(values) == 1 and isinstance(values[0], str) and values[0] in accepted


def check_times(claims: dict[str, object], now: float) -> float:
    """Return `exp` of claims that are valid now and not for longer than ten minutes. Raises InvalidClient."""
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool) or expires_at < now - LEEWAY_S:
        raise InvalidClient("the assertion has expired, or has no exp")
    if expires_at > now + MAX_LIFETIME_S + LEEWAY_S:
        raise InvalidClient(f"the assertion is valid for more than {MAX_LIFETIME_S} seconds")
    for name in ("nbf", "iat"):
        moment = claims.get(name, now)
        if not isinstance(moment, int | float) or isinstance(moment, bool) or moment > now + LEEWAY_S:
            raise InvalidClient(f"{name} of the assertion lies in the future")
    return float(expires_at)
