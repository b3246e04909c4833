"""What tests sign as a client or as an identity provider."""

import base64
import json

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from oauth.tokens.formats import new_token
from tests.oauth.gateway import BASE, OAuthGateway

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


KEY = ECKey.generate_key("P-256", {"kid": "one"})


OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"})


def signed(claims: dict[str, object], key: ECKey = KEY, **header: object) -> str:
    return jwt.encode({"alg": "ES256", "kid": "one"} | header, claims, key)


def unsigned(claims: dict[str, object]) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def client_claims(gate: OAuthGateway, client_id: str, **changes: object) -> dict[str, object]:
    now = int(gate.clock.now)
    claims: dict[str, object] = {"iss": client_id, "sub": client_id, "aud": BASE, "exp": now + 60, "iat": now, "jti": new_token("cs")}
    return {name: value for name, value in (claims | changes).items() if value is not None}


async def with_assertion(gate: OAuthGateway, assertion: str, **form: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": ASSERTION, "client_assertion": assertion} | form
    return await gate.token(**form)
