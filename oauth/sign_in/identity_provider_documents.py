"""What an identity provider publishes of itself: its metadata (OpenID Connect Discovery 1.0) and its keys, kept for a while."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from oauth.errors import FetchRefused
from oauth.fetch import Outbound
from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.identity_providers import is_loopback, is_safe_address

FRESH_S = 3600.0
#: an unknown key id asks for the keys again at most this often, whoever sends how many of them
KEYS_EVERY_S = 60.0
MAX_DOCUMENT_BYTES = 128 * 1024
TIMEOUT_S = 10.0
MAX_KEYS = 100
_KEY_TYPES: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    #: it promises `iss` in every answer (RFC 9207), so an answer without is a mix-up
    answers_with_iss: bool = False


@dataclass(slots=True)
class _Keys:
    keys_by_id: Mapping[str | None, list[Key]]
    read_at: float


class IdentityProviderDocuments:
    def __init__(self, send: Outbound, clock: Callable[[], float] = time.time) -> None:
        self._send = send
        self._clock = clock
        self._metadata_by_issuer: dict[str, tuple[ProviderMetadata, float]] = {}
        self._keys_by_uri: dict[str, _Keys] = {}
        #: jwks_uri -> set once a read that is under way has ended
        self._reading: dict[str, anyio.Event] = {}

    async def metadata(self, issuer: str) -> ProviderMetadata:
        """Return the metadata of an issuer. Raises FederationRefused."""
        known = self._metadata_by_issuer.get(issuer)
        if known is not None and self._clock() - known[1] < FRESH_S:
            return known[0]
        # Discovery §4.1: the issuer first, a final slash taken off.
        document = await self._read(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            # Discovery §4.3: byte for byte, or one provider could speak for another.
            raise FederationRefused("the metadata names another issuer")
        metadata = _metadata(issuer, document)
        self._metadata_by_issuer[issuer] = (metadata, self._clock())
        return metadata

    async def keys(self, jwks_uri: str, key_id: str | None) -> list[Key]:
        """Return the keys that `key_id` may mean, none where there is no such key; an unknown id reads them anew, at most once a minute.

        Raises FederationRefused.
        """
        known = self._keys_by_uri.get(jwks_uri)
        now = self._clock()
        is_stale = known is None or now - known.read_at > FRESH_S
        # Core §10.1.1: an unknown kid asks again; not for each one, since anybody can make kids up.
        is_new = known is not None and key_id not in known.keys_by_id and now - known.read_at > KEYS_EVERY_S
        if is_stale or is_new:
            await self._read_keys(jwks_uri)
            known = self._keys_by_uri.get(jwks_uri)
        return [] if known is None else known.keys_by_id.get(key_id, [])

    async def _read_keys(self, jwks_uri: str) -> None:
        if waiting := self._reading.get(jwks_uri):
            with anyio.move_on_after(TIMEOUT_S):
                await waiting.wait()
            return
        self._reading[jwks_uri] = anyio.Event()
        try:
            kept = self._keys_by_uri.get(jwks_uri)
            if kept is not None:
                # Counted before it is known to work: a provider in trouble is not asked more often.
                kept.read_at = self._clock()
            document = await self._read(jwks_uri)
            self._keys_by_uri[jwks_uri] = _Keys(_keys(document), self._clock())
        finally:
            self._reading.pop(jwks_uri).set()

    async def _read(self, url: str) -> Mapping[str, Any]:
        try:
            answer = await self._send(
                "GET", url, headers={"Accept": "application/json"}, body=None, max_bytes=MAX_DOCUMENT_BYTES, timeout_s=TIMEOUT_S
            )
        except FetchRefused as error:
            raise FederationRefused(f"the identity provider cannot be read: {error.reason}") from error
        # Discovery §4.2: 200 only; a redirect would let another host speak for the issuer.
        if answer.status != 200:
            raise FederationRefused(f"the identity provider answered {answer.status}")
        return read_object(answer.body)


def read_object(body: bytes) -> Mapping[str, Any]:
    """Return a JSON object. Raises FederationRefused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FederationRefused("the identity provider sent no JSON") from error
    if not isinstance(document, dict):
        raise FederationRefused("the identity provider sent no JSON object")
    return document


def _metadata(issuer: str, document: Mapping[str, Any]) -> ProviderMetadata:
    may_be_loopback = is_loopback(urlsplit(issuer).hostname or "")
    addresses: dict[str, str] = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        value = document.get(name)
        # Discovery §3, §7.1: https. The document is the provider's word; it must not send our secret over plain http.
        if isinstance(value, str) and is_safe_address(value, may_be_loopback=may_be_loopback):
            addresses[name] = value
        elif name != "userinfo_endpoint":
            raise FederationRefused(f"the metadata has no usable {name}")
    return ProviderMetadata(issuer, answers_with_iss=document.get("authorization_response_iss_parameter_supported") is True, **addresses)


def _keys(document: Mapping[str, Any]) -> Mapping[str | None, list[Key]]:
    keys_by_id: dict[str | None, list[Key]] = {}
    listed = document.get("keys")
    for entry in listed[:MAX_KEYS] if isinstance(listed, list) else []:
        # RFC 7517 §4.2: an encryption key signs nothing. `d`: a private key that was published is anybody's.
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or "d" in entry:
            continue
        key_type = _KEY_TYPES.get(str(entry.get("kty")))
        try:
            key = key_type.import_key(entry) if key_type else None
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # a key of a kind that we do not know is no reason to refuse the others
        if key is None:
            continue
        key_id = entry.get("kid")
        keys_by_id.setdefault(key_id if isinstance(key_id, str) else None, []).append(key)
    if len(keys_by_id) == 1 and None not in keys_by_id:
        # A provider with one key need not name it in its tokens (OpenID Connect Core §10.1).
        keys_by_id[None] = next(iter(keys_by_id.values()))
    return keys_by_id
