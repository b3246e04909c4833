"""Who calls the REST API: an access token of the caller's own MCP endpoint, and the tenant from it alone."""

from starlette.types import Scope

from oauth.principal import Principal
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants
from oauth.tokens.access_tokens import AccessTokens
from oauth.tokens.formats import hash_token
from oauth.tokens.revocation import Revocation
from server.bearer import Challenges, token_in_query
from server.config.settings import Settings
from server.origins import Callers, host_of
from server.rest_api.refusals import RequestRefused


class RestCallers:
    """Turns the headers of a request into a Principal, by the rules of the MCP endpoint (server/bearer.py); from memory."""

    def __init__(self, access_tokens: AccessTokens, tenants: Tenants, settings: Settings, revocation: Revocation | None = None) -> None:
        self._access_tokens, self._tenants, self._settings, self._revocation = access_tokens, tenants, settings, revocation
        self._challenges = Challenges(settings)
        self._callers = Callers(settings.base_url, settings.origin.allowed_origins)

    async def principal(self, scope: Scope) -> Principal:
        """Return who calls. Raises RequestRefused: 401 with how to get a token, 400 where it came twice or in the URL."""
        offered = [value for name, value in scope["headers"] if name == b"authorization"]
        in_query = token_in_query(scope["query_string"])
        if in_query is not None:
            # RFC 9700 §4.3.2: it is in logs now. Only what is a live token, so that nobody makes this write by sending words.
            if self._revocation is not None and await self._access_tokens.verify(in_query) is not None:
                await self._revocation.revoke_access_token(hash_token(in_query), "token_in_query")
            raise self._refused(scope, 400, "invalid_request", "send the access token in the Authorization header, not in the URL")
        # RFC 6750 §2: MUST NOT use more than one method; the check and the log could see different tokens.
        if len(offered) > 1:
            raise self._refused(scope, 400, "invalid_request", "send one Authorization header")
        scheme, _, token = (offered[0].strip(b" \t") if offered else b"").partition(b" ")
        # RFC 6750 §3.1: no error code where no token was sent.
        if scheme.lower() != b"bearer":
            raise self._refused(scope, 401, None, "an access token is needed")
        verified = await self._access_tokens.verify(token.lstrip(b" ").decode("latin-1"))
        tenant = None if verified is None else self._tenants.get(verified.principal.tenant_id)
        # RFC 8707 §2: for the MCP endpoint of its own tenant and nothing else; one answer for all reasons.
        if verified is None or tenant is None or tenant.suspended or verified.resource != self._settings.mcp_url(tenant.tenant_id):
            raise self._refused(scope, 401, "invalid_token", "the access token is unknown, expired, revoked, or for another resource")
        return verified.principal

    def step_up(self, scope: Scope, principal: Principal, missing: frozenset[str]) -> dict[str, str]:
        """Return the header of a 403 that names all scopes for the next try (RFC 6750 §3.1)."""
        headers, _body = self._challenges.step_up(principal, missing, self._callers.base_url_at(host_of(scope)))
        return _challenge(headers)

    def takes_origin(self, origin: bytes) -> bool:
        """Say whether pages of `origin` are told anything."""
        return self._callers.takes_origin(origin)

    def _refused(self, scope: Scope, status: int, error: str | None, message: str) -> RequestRefused:
        tenant = self._tenants.get(DEFAULT_TENANT) or Tenant(DEFAULT_TENANT, "")
        headers = self._challenges.of(tenant, error, self._callers.base_url_at(host_of(scope)))
        hint = "sign in as for the MCP endpoint; `ascend token mint` gives scripts a token"
        return RequestRefused(status, error or "unauthorized", message, hint, _challenge(headers))


def _challenge(headers: object) -> dict[str, str]:
    assert isinstance(headers, list)
    return {name.decode(): value.decode() for name, value in headers if name in (b"www-authenticate", b"cache-control")}
