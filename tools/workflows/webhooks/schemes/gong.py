"""Gong: a JWT in `Authorization`, RS256 under the public key of the rule, over the address and the hash of the body."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from oauth.public_keys import MIN_RSA_BITS
from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, text_at
from tools.workflows.webhooks.signature import TOLERANCE_S, is_timely

_MAX_TOKEN_CHARS = 8_192
_BEARER = "bearer "


class Gong:
    #: nothing but what is under the signature makes the id
    signs_id = True
    #: a token may leave its times out
    signs_time = False

    def key_of(self, secret: bytes) -> bytes:
        try:
            key = RSAKey.import_key(secret)
        except (JoseError, ValueError, TypeError) as error:
            raise ValueError("is no public key: paste the rule's key as PEM, -----BEGIN PUBLIC KEY-----") from error
        if key.is_private:
            raise ValueError("is a private key; Gong keeps that one, and shows the public one")
        if key.public_key.key_size < MIN_RSA_BITS:
            raise ValueError(f"has fewer than {MIN_RSA_BITS} bits")
        return secret

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        said = request.header("authorization") or ""
        token = said[len(_BEARER) :].lstrip(" ") if said[: len(_BEARER)].lower() == _BEARER else said
        if not token or len(token) > _MAX_TOKEN_CHARS:
            return None
        found = None
        for key in keys:
            claims = _claims(token, key)
            if claims is not None and _fits(claims, request, now_s):
                found = request.body
        return found

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        if isinstance(content, Mapping) and content.get("isTest") is True:
            return Reply({"test": True})
        # Facts §5.1: there is no event id; a call that is processed anew comes with the same id and start.
        call_id, started = text_at(content, "callData", "metaData", "id"), text_at(content, "callData", "metaData", "started")
        return HookEvent(f"{call_id} {started}" if call_id else "", "call")

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        raise ValueError("Gong alone has the key that signs; the rule's own page there sends a test")


def _claims(token: str, key: bytes) -> Mapping[str, object] | None:
    try:
        # RFC 8725 §3.1: RS256 and nothing else; with HMAC in the list, the public key would be a secret that everybody knows (§2.1).
        return jwt.decode(token, RSAKey.import_key(key), algorithms=["RS256"]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _fits(claims: Mapping[str, object], request: HookRequest, now_s: float) -> bool:
    """Say whether verified claims are about this very request, now."""
    body_hash = claims.get("body_sha256")
    if claims.get("webhook_url") != request.url or not isinstance(body_hash, str):
        return False
    if not hmac.compare_digest(body_hash.lower().encode(), hashlib.sha256(request.body).hexdigest().encode()):
        return False
    expires_at, begins_at, issued_at = (_time(claims, name, now_s) for name in ("exp", "nbf", "iat"))
    if expires_at is None or begins_at is None or issued_at is None:
        return False
    # RFC 7519 §4.1.4 to §4.1.6, with the leeway that all schemes have.
    return expires_at >= now_s - TOLERANCE_S and begins_at <= now_s + TOLERANCE_S and is_timely(issued_at, now_s)


def _time(claims: Mapping[str, object], name: str, now_s: float) -> float | None:
    """Return when a claim says; now where it is not there, None where it is no time."""
    at = claims.get(name, now_s)
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
