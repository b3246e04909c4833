"""Keys and statements that machines sign with in tests."""

import hashlib
import hmac
import json
import time
from secrets import token_urlsafe
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from oauth import base64url

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_key(key_id: str = "one") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": key_id})


def public(key: ECKey) -> str:
    """Return the public half as a JWK."""
    return json.dumps(key.as_dict(private=False))


def signed(key: ECKey, claims: dict[str, Any], **header: Any) -> str:
    """Return a JWT; a claim that is None is left out."""
    now = int(time.time())
    said = {"iat": now, "exp": now + 60, "jti": token_urlsafe(16)} | claims
    return jwt.encode(
        {"alg": "ES256"} | ({"kid": key.kid} if key.kid else {}) | header,
        {name: value for name, value in said.items() if value is not None},
        key,
    )


def credentials(client_id: str, key: ECKey, issuer: str, **more: str) -> dict[str, str]:
    """Return the form by which a service principal asks for a token."""
    assertion = signed(key, {"iss": client_id, "sub": client_id, "aud": issuer})
    return {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion} | more


def signed_with_hmac(claims: dict[str, Any], secret: str) -> str:
    """Return a statement whose HMAC key is what everybody knows: the text of a public key."""
    said = claims | {"exp": int(time.time()) + 60, "jti": token_urlsafe(16)}
    body = ".".join(base64url.encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "one"}, said))
    return f"{body}.{base64url.encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())}"
