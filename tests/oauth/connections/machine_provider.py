"""Stand-ins on loopback for what hands tokens to machines: GitHub's installation tokens, and a client-credentials endpoint."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

APP_ID, INSTALLATION = "Iv23liApp", "4711"


@dataclass
class MachineProvider:
    """`public_key` is what GitHub keeps of the app. Tokens live an hour by `clock`; `ahead_s`: how far its clock is before ours."""

    clock: Callable[[], float]
    public_key: RSAKey
    installations: set[str] = field(default_factory=lambda: {INSTALLATION})
    client: tuple[str, str] = ("machine", "s3cret & more")
    ahead_s: float = 0
    status: int = 0
    #: token -> end
    tokens: dict[str, float] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/app/installations/{installation}/access_tokens", self.installation_token, methods=["POST"]),
                Route("/installation/token", self.end, methods=["DELETE"]),
                Route("/oauth/token", self.client_credentials, methods=["POST"]),
                Route("/things", self.things),
            ]
        )

    async def installation_token(self, request: Request) -> Response:
        """As GitHub's REST reference says: 201, 401 for a JWT that does not hold, 404 for an installation that is not this app's."""
        now = self.clock() + self.ahead_s
        self.asked.append(dict(request.headers))
        if self.status:
            return JSONResponse({"message": "down"}, self.status, headers={"retry-after": "30"})
        scheme, _, token = request.headers["authorization"].partition(" ")
        try:
            claims = jwt.decode(token, self.public_key, algorithms=["RS256"]).claims
        except JoseError:
            return JSONResponse({"message": "A JSON web token could not be decoded"}, 401)
        is_timely = claims["iat"] <= now < claims["exp"] <= now + 600
        if scheme != "Bearer" or claims["iss"] != APP_ID or not is_timely:
            return JSONResponse({"message": "'Issued at' or 'Expiration time' claim is wrong"}, 401)
        if request.path_params["installation"] not in self.installations:
            return JSONResponse({"message": "Not Found"}, 404)
        given, ends = self._token(now)
        answer = {"token": given, "expires_at": datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        date = datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return JSONResponse({**answer, "permissions": {"issues": "write"}, "repository_selection": "all"}, 201, {"date": date})

    async def client_credentials(self, request: Request) -> Response:
        """RFC 6749 §4.4 with client_secret_basic."""
        form = dict(await request.form())
        self.asked.append(form)
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if pair.split(":") != ["machine", "s3cret+%26+more"]:
            return JSONResponse({"error": "invalid_client"}, 401, {"www-authenticate": "Basic"})
        if form.get("grant_type") not in ("client_credentials", "account_credentials"):
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        given, _ = self._token(self.clock())
        return JSONResponse({"access_token": given, "token_type": "Bearer", "expires_in": 3600, "scope": form.get("scope", "")})

    async def end(self, request: Request) -> Response:
        self.tokens.pop(request.headers["authorization"].removeprefix("Bearer "), None)
        return Response(status_code=204)

    async def things(self, request: Request) -> Response:
        return Response(status_code=200 if self.is_good(request.headers.get("authorization", "").removeprefix("Bearer ")) else 401)

    def is_good(self, token: str) -> bool:
        return self.tokens.get(token, 0.0) > self.clock() + self.ahead_s

    def _token(self, now: float) -> tuple[str, float]:
        given = f"ghs_{secrets.token_urlsafe(24)}"
        self.tokens[given] = now + 3600
        return given, now + 3600
