"""An OpenID Connect provider on loopback: does what the specifications say, and what a test makes it do wrong."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.server.http.standing_server import StandingServer, standing_server


@dataclass
class Person:
    """Who is signed in at the provider's own site."""

    sub: str = "1001"
    claims: dict[str, Any] = field(default_factory=lambda: {"email": "grace@corp.example", "email_verified": True, "name": "Grace Hopper"})


@dataclass
class LoopbackProvider:
    client_id: str = "ascend"
    client_secret: str = "s3cret & more, long enough"
    person: Person = field(default_factory=Person)
    server: StandingServer = field(default_factory=standing_server)
    keys: list[ECKey] = field(default_factory=list)
    #: members that replace or join what is right
    metadata_changes: dict[str, Any] = field(default_factory=dict)
    claim_changes: dict[str, Any] = field(default_factory=dict)
    header_changes: dict[str, Any] = field(default_factory=dict)
    answer_changes: dict[str, str | None] = field(default_factory=dict)
    userinfo_changes: dict[str, Any] = field(default_factory=dict)
    #: status and content of what the userinfo endpoint answers instead
    userinfo_breaks: tuple[int, bytes] | None = None
    #: claims go to the userinfo endpoint instead of into the ID token
    keeps_claims_back: bool = False
    sends_iss: bool = True
    #: signs ID tokens instead of the first of `keys`
    forger: Key | None = None
    jwks_reads: int = 0
    token_requests: int = 0
    authorization_requests: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.issuer = f"http://127.0.0.1:{self.server.port}"
        if not self.keys:
            self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is gone."""
        self.keys = [ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"}, private=True)]

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/jwks", self.jwks),
            Route("/userinfo", self.userinfo),
        ]

    async def metadata(self, request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": self.sends_iss,
        }
        return JSONResponse(document | self.metadata_changes)

    async def authorize(self, request: Request) -> Response:
        """Answer at once for the person who is signed in here."""
        asked = dict(request.query_params)
        self.authorization_requests.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer: dict[str, str | None] = {"code": code, "state": asked["state"], "iss": self.issuer if self.sends_iss else None}
        sent = {name: value for name, value in (answer | self.answer_changes).items() if value is not None}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(sent)}", 302)

    async def token(self, request: Request) -> Response:
        self.token_requests += 1
        fields = dict(parse_qsl((await request.body()).decode()))
        scheme, _, pair = request.headers.get("authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(pair).decode().partition(":")
        if (scheme, unquote_plus(client_id), unquote_plus(secret)) != ("Basic", self.client_id, self.client_secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(fields["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(fields["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != fields["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "for-userinfo", "token_type": "Bearer", "id_token": self.id_token(asked["nonce"])})

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.person.sub,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        }
        claims |= {} if self.keeps_claims_back else self.person.claims
        claims = {name: value for name, value in (claims | self.claim_changes).items() if value is not None}
        header = {"alg": "ES256", "kid": self.keys[0].kid} | self.header_changes
        if header["alg"] == "none":
            parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (str(header).replace("'", '"').encode(), b"{}")]
            return f"{parts[0]}.{parts[1]}."
        if isinstance(self.forger, Key) and header["alg"].startswith("HS"):
            return jws.serialize_compact(header, str(claims).replace("'", '"').encode(), self.forger, algorithms=["HS256"])
        return jwt.encode(header, claims, self.forger or self.keys[0], algorithms=[header["alg"]])

    async def jwks(self, request: Request) -> Response:
        self.jwks_reads += 1
        odd = {"kty": "quantum", "kid": "of-tomorrow"}
        return JSONResponse({"keys": [odd, *(key.as_dict(private=False) for key in self.keys)]})

    async def userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer for-userinfo":
            return Response(status_code=401)
        if self.userinfo_breaks is not None:
            status, content = self.userinfo_breaks
            return Response(content, status)
        return JSONResponse({"sub": self.person.sub} | self.person.claims | self.userinfo_changes)


@contextmanager
def running_provider(provider: LoopbackProvider | None = None) -> Iterator[LoopbackProvider]:
    """Serve the provider."""
    provider = provider or LoopbackProvider()
    provider.server.app = Starlette(routes=provider.routes())
    try:
        yield provider
    finally:
        provider.server.release()
