"""Signed assertions of others: their keys, their signature, their time (RFC 7521 §5.2, RFC 7523 §3)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import Token

from oauth import base64url
from oauth.errors import AssertionRefused, FetchRefused, RegistrationRefused
from oauth.fetch import ACCEPT_JSON, Outbound
from oauth.public_keys import import_public_keys, read_object

# RFC 8725 §3.1, §3.2: a list of our own; no `none`, and no HMAC, for which a public key would pass as the secret (§2.1).
ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "Ed25519", "EdDSA")
# looked at before anything is decoded
MAX_ASSERTION_LENGTH = 8192
#: what authlib signs by default; each assertion counts once anyway
MAX_LIFETIME_S = 3600
LEEWAY_S = 60  # two machines on NTP differ by less
MAX_JWKS_BYTES = 65536
JWKS_FRESH_S = 300.0
#: an unknown key is looked for again, and so is an address that failed, but not more often than this: somebody may ask on purpose
REFETCH_EVERY_S = 60.0
MAX_ADDRESSES = 1000


@dataclass(slots=True)
class _Address:
    """What is known of one `jwks_uri`; times are epoch seconds."""

    keys: KeySet | None = None
    read_at: float = 0.0
    failed_at: float = float("-inf")
    #: of many who miss the same keys, one asks
    reading: anyio.Lock = field(default_factory=anyio.Lock)

    def fresh(self, now: float, wanted_key_id: str | None) -> KeySet | None:
        """Return keys that need not be read again. Raises FetchRefused where they could not be read a moment ago."""
        # OpenID Connect Core §10.1.1: an unknown kid means a rotation; bounded, since it may also mean an attack on the issuer.
        if self.keys is not None and now - self.read_at < (JWKS_FRESH_S if _has(self.keys, wanted_key_id) else REFETCH_EVERY_S):
            return self.keys
        if now - self.failed_at < REFETCH_EVERY_S:
            raise FetchRefused(f"jwks_uri could not be read a moment ago; it is asked again after {REFETCH_EVERY_S:.0f} seconds")
        return None


class JwksCache:
    """Public keys of clients and issuers: inside their metadata, or at an https URL, kept for five minutes; failures for one."""

    def __init__(self, send: Outbound, clock: Callable[[], float] = time.time) -> None:
        self._send = send
        self._clock = clock
        #: the one that was added last stands last
        self._by_uri: dict[str, _Address] = {}

    async def keys(self, jwks: str, jwks_uri: str, *, wanted_key_id: str | None = None) -> KeySet:
        """Return the keys; a `wanted_key_id` that is not among them is a reason to read them again.

        Raises FetchRefused, RegistrationRefused.
        """
        # RFC 7591 §2: the keys in the metadata exclude jwks_uri.
        if jwks:
            return import_public_keys(read_object(jwks.encode()))
        address = self._by_uri.get(jwks_uri)
        if address is None:
            if len(self._by_uri) >= MAX_ADDRESSES:
                del self._by_uri[next(iter(self._by_uri))]
            address = self._by_uri[jwks_uri] = _Address()
        if (keys := address.fresh(self._clock(), wanted_key_id)) is not None:
            return keys
        async with address.reading:
            # Somebody else may have read them meanwhile, or failed to.
            if (keys := address.fresh(self._clock(), wanted_key_id)) is not None:
                return keys
            try:
                address.keys = await self._read(jwks_uri)
            except (FetchRefused, RegistrationRefused):
                address.failed_at = self._clock()
                raise
            address.read_at = self._clock()
            return address.keys

    async def _read(self, jwks_uri: str) -> KeySet:
        fetched = await self._send("GET", jwks_uri, headers=ACCEPT_JSON, body=None, max_bytes=MAX_JWKS_BYTES, timeout_s=5.0)
        # A redirect is no answer: another host would give the keys.
        if fetched.status != 200:
            raise FetchRefused(f"jwks_uri answered {fetched.status}")
        return import_public_keys(read_object(fetched.body))


def decode(assertion: str, keys: KeySet, algorithms: Sequence[str] = ALGORITHMS) -> Token:
    """Return the verified token; `algorithms`: some of ours. Raises AssertionRefused."""
    if len(assertion) > MAX_ASSERTION_LENGTH:
        raise AssertionRefused(f"the assertion is longer than {MAX_ASSERTION_LENGTH} characters")
    try:
        # RFC 8725 §3.1: each key is used with the algorithms of its own kind; RFC 7515 §4.1.11: an unknown `crit` fails.
        return jwt.decode(assertion, keys, algorithms=[each for each in algorithms if each in ALGORITHMS])
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise AssertionRefused("the assertion's signature or form is not valid") from error


def is_for(audience: object, accepted: frozenset[str]) -> bool:
    """Say whether `aud` names one accepted audience and no other: a second one could be someone else's server."""
    values = audience if isinstance(audience, list) else [audience]
    # RFC 7519 §4.1.3, RFC 8725 §3.9.
    return len(values) == 1 and isinstance(values[0], str) and values[0] in accepted


def check_times(claims: Mapping[str, object], now: float, *, max_lifetime_s: float = MAX_LIFETIME_S) -> float:
    """Return `exp` of claims that are valid now and not for longer than `max_lifetime_s`. Raises AssertionRefused."""
    expires_at = claims.get("exp")
    # RFC 7519 §4.1.4: not `True`, which Python counts as 1; exp is REQUIRED here (RFC 7523 §3 item 4).
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool) or expires_at < now - LEEWAY_S:
        raise AssertionRefused("the assertion has expired, or has no exp")
    # RFC 7523 §3 item 4: may refuse what is unreasonably far away; each jti is kept until exp.
    if expires_at > now + max_lifetime_s + LEEWAY_S:
        raise AssertionRefused(f"the assertion is valid for more than {max_lifetime_s:g} seconds")
    for name in ("nbf", "iat"):
        # RFC 7523 §3 items 5 and 6: optional, but a lie where they are in the future.
        moment = claims.get(name, now)
        if not isinstance(moment, int | float) or isinstance(moment, bool) or moment > now + LEEWAY_S:
            raise AssertionRefused(f"{name} of the assertion lies in the future")
    return float(expires_at)


def read_id(claims: Mapping[str, object]) -> str:
    """Return `jti`, without which an assertion could be used twice. Raises AssertionRefused."""
    assertion_id = claims.get("jti")
    # RFC 7523 §3 item 7 leaves it optional; without it nothing tells a replay.
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= 255:
        raise AssertionRefused("the assertion needs a jti of at most 255 characters")
    return assertion_id


def _has(keys: KeySet, key_id: str | None) -> bool:
    return key_id is None or any(key.kid == key_id for key in keys.keys)


def unverified(assertion: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return header and claims, only to find out whose keys to check them with. Raises AssertionRefused."""
    parts = assertion.split(".")
    # RFC 7519 §3, RFC 7515 §7.1: five parts would be encrypted, which nobody here opens.
    if len(parts) != 3 or len(assertion) > MAX_ASSERTION_LENGTH:
        raise AssertionRefused("the assertion is not a signed JWT")
    header, claims = (_read_part(part) for part in parts[:2])
    return header, claims


def _read_part(part: str) -> dict[str, object]:
    try:
        return read_object(base64url.decode(part))
    except (RegistrationRefused, ValueError) as error:
        raise AssertionRefused("the assertion is not a signed JWT") from error
