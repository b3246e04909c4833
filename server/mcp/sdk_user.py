"""Who calls, in the words of the MCP SDK: made only where a request goes through the SDK, for it takes a tenth of a call's time."""

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials
from starlette.types import ASGIApp, Receive, Scope, Send

from oauth.tokens.access_tokens import Verified
from server.request_scope import VERIFIED


class WithSdkUser:
    """An ASGI application of the SDK that finds the caller at `scope["user"]`, `scope["auth"]` and in the SDK's context variable."""

    def __init__(self, app: ASGIApp, issuer: str) -> None:
        self._app = AuthContextMiddleware(app)
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verified: Verified | None = scope.get(VERIFIED)
        if verified is not None:
            scope["auth"] = AuthCredentials(sorted(verified.principal.scopes))
            scope["user"] = _user(verified, self._issuer)
        await self._app(scope, receive, send)


def _user(verified: Verified, issuer: str) -> AuthenticatedUser:
    """Return the SDK's view of the caller. The token itself stays here."""
    principal = verified.principal
    token = AccessToken.model_construct(
        # MCP authorization: whoever has no token passes none through
        token="",
        client_id=principal.client_id,
        scopes=sorted(principal.scopes),
        expires_at=int(verified.expires_at),
        resource=verified.resource,
        subject=principal.subject,
        claims={"iss": issuer},
    )
    return AuthenticatedUser(token)
