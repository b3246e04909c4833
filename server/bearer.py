"""The resource server's guard: an access token becomes a Principal, everything else a challenge (RFC 6750, RFC 9728 §5)."""

import logging
import re
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oauth.metadata import resource_metadata_url
from oauth.principal import Principal
from oauth.scopes import CONNECT, OFFLINE, render
from oauth.tenants import DEFAULT_TENANT, Tenant, Tenants, is_valid_name
from oauth.tokens.access_tokens import AccessTokens, Verified
from oauth.tokens.formats import hash_token
from oauth.tokens.revocation import Revocation
from oauth.tokens.static_tokens import StaticTokens, sunset_of
from server.config.settings import Settings
from server.origins import Callers, host_of
from server.request_scope import ADDED_HEADERS, ALLOWED_HEADERS, CORS, VERIFIED
from server.storage.database import StoreUnavailable

logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]

#: 24 October 2026, the first release: there was a better way than a static token from then on (RFC 9745 §2.1)
DEPRECATED_SINCE = b"@1792800000"

#: The raw path decides. A URL built from the Host header can be made to show another path.
_PATH = re.compile(r"/mcp(?:/([a-z0-9-]+))?/?")
_CORS_HEADERS: Headers = [(name.encode(), value.encode()) for name, value in CORS.items()]
_PREFLIGHT_HEADERS: Headers = [
    *_CORS_HEADERS,
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
    (b"access-control-max-age", b"86400"),
]


class BearerGuard:
    """Lets through what carries a live access token of this very resource; 401 comes before any other answer but a preflight's.

    A token of another tenant is nothing here, exactly like garbage, and a tenant that there is not asks for a token like any other:
    nobody learns from here who is on this gateway. The principal is put at `scope["ascend.principal"]`, and the
    verified token at `scope["ascend.verified"]`, of which server/mcp/sdk_user.py makes what the MCP SDK reads.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access_tokens: AccessTokens,
        tenants: Tenants,
        settings: Settings,
        revocation: Revocation | None = None,
        static_tokens: StaticTokens | None = None,
    ) -> None:
        self._app = app
        self._access_tokens = access_tokens
        self._tenants = tenants
        self._resource_of = lru_cache(maxsize=1_024)(settings.mcp_url)
        self._revocation = revocation
        self._static_tokens = static_tokens
        self._challenges = Challenges(settings)
        self._callers = Callers(settings.base_url, settings.origin.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the bearer guard answers http only, not {scope['type']}")
        cors = _CORS_HEADERS
        authorization: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization.append(value)
            # Fetch, CORS protocol: no cookie counts here, so a page can only use a token that it has; still it is told nothing.
            elif name == b"origin" and not self._callers.takes_origin(value):
                cors = []  # A page that may not call learns nothing, not even from refusals.
        if scope["method"] == "OPTIONS":
            await _answer(send, 204, _PREFLIGHT_HEADERS if cors else [], b"")
            return
        # The path of the request line; one that is made of Host and target can be bent by a malformed Host.
        tenant = self._tenant(scope["path"])
        if tenant is None:
            await _answer(send, 404, [*cors, _JSON], _body("not_found", "there is no such resource here"))
            return
        try:
            verified = await self._verify(scope, send, tenant, authorization, cors)
        except StoreUnavailable as error:
            logger.error("store_failed", exc_info=error, extra={"facts": {"path": scope["path"]}})
            headers = [*cors, _JSON, (b"retry-after", b"1")]
            await _answer(send, 503, headers, _body("temporarily_unavailable", "the store does not answer; try again"))
            return
        if verified is None:
            return
        principal = verified.principal
        # RFC 6750 §3.1 (insufficient_scope), MCP authorization: 403 with all scopes for the next try.
        if CONNECT not in principal.scopes:
            challenge, body = self._challenges.step_up(principal, frozenset({CONNECT}), self._callers.base_url_at(host_of(scope)))
            await _answer(send, 403, [*cors, *challenge], body)
            return
        # MCP authorization (token passthrough): what goes on is who calls; upstreams get credentials of their own.
        scope["ascend.principal"] = principal
        scope[VERIFIED] = verified
        added = [*cors, *_sunset_headers(tenant)] if principal.auth_method == "static_token" else cors
        scope[ADDED_HEADERS] = added
        await self._app(scope, receive, _with_headers(send, added))

    async def _verify(self, scope: Scope, send: Send, tenant: Tenant, headers: list[bytes], cors: Headers) -> Verified | None:
        """Return the verified token of the Authorization `headers`, or answer with the challenge."""
        query = scope["query_string"]
        in_query = token_in_query(query)
        # RFC 6750 §2: MUST NOT use more than one method; the check and the log could see different tokens.
        if len(headers) > 1 or (headers and in_query is not None):
            body = _body("invalid_request", "send the access token once, in the Authorization header")
            await _answer(send, 400, [*cors, *self._challenge(scope, tenant, "invalid_request")], body)
            return None
        # RFC 6750 §2.3, §5.3; MCP authorization: MUST NOT be in the query.
        if in_query is not None:
            await self._burn(in_query)
        # Blanks around a value are none of it, and between scheme and token there may be several (RFC 9110 §5.5, RFC 6750 §2.1).
        scheme, _, credentials = (headers[0].strip(b" \t") if headers else b"").partition(b" ")
        # RFC 6750 §3.1: no error code where no token was sent. RFC 9110 §11.1: the scheme compares without case.
        if scheme.lower() != b"bearer":
            await _answer(send, 401, [*cors, *self._challenge(scope, tenant)], _body("unauthorized", "an access token is needed"))
            return None
        token = credentials.lstrip(b" ").decode("latin-1")
        # decision 0002: from memory.
        verified = await self._access_tokens.verify(token)
        if verified is None and self._static_tokens is not None:
            verified = await self._static_tokens.verify(token, tenant)
        # RFC 8707 §2, RFC 9700 §2.3: for this resource and no other; one answer for all reasons.
        resource = self._resource_of(tenant.tenant_id)
        if verified is None or tenant.suspended or verified.principal.tenant_id != tenant.tenant_id or verified.resource != resource:
            description = "the access token is unknown, expired, revoked, or for another resource"
            await _answer(send, 401, [*cors, *self._challenge(scope, tenant, "invalid_token")], _body("invalid_token", description))
            return None
        return verified

    def _challenge(self, scope: Scope, tenant: Tenant, error: str | None = None) -> Headers:
        return self._challenges.of(tenant, error, self._callers.base_url_at(host_of(scope)))

    def _tenant(self, path: str) -> Tenant | None:
        """Return the tenant that a path names; one that there is not comes as suspended. None: the path can name none."""
        match = _PATH.fullmatch(path)
        # RFC 9728 §3.3: one resource, one URL.
        if match is None or match[1] == DEFAULT_TENANT:
            return None
        tenant_id = match[1] or DEFAULT_TENANT
        tenant = self._tenants.live.get(tenant_id)
        # 401 as for a real one: a 404 would tell which tenants there are.
        if tenant is None and is_valid_name(tenant_id):
            return Tenant(tenant_id, "", suspended=True)
        return tenant

    async def _burn(self, token: str) -> None:
        """End a token that came in a URL: it is in logs and histories now (RFC 9700 §4.3.2)."""
        # Only what is a live token, so that nobody makes this write by sending words.
        if self._revocation is not None and await self._access_tokens.verify(token) is not None:
            await self._revocation.revoke_access_token(hash_token(token), "token_in_query")


class Challenges:
    """WWW-Authenticate values. The first one asks for the tenant's baseline, a step-up for everything held and needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, tenant: Tenant, error: str | None = None, base_url: str | None = None) -> Headers:
        """Return the headers of a 401, or of a 400; `error` is absent where no token was sent (RFC 6750 §3.1).

        `base_url`: our origin as the client spells it.
        """
        return self._headers(tenant.tenant_id, " ".join(scope for scope in tenant.baseline_scopes if scope != OFFLINE), error, base_url)

    def step_up(self, principal: Principal, missing: frozenset[str], base_url: str | None = None) -> tuple[Headers, bytes]:
        """Return headers and body of the 403 that names all scopes for another try: those held and those missing."""
        # offline_access is the authorization server's affair, not the resource's.
        scope = render((principal.scopes | missing) - {OFFLINE})
        body = _body("insufficient_scope", f"this needs {render(missing)}; ask the person for the scopes of the challenge")
        return self._headers(principal.tenant_id, scope, "insufficient_scope", base_url), body

    def _headers(self, tenant_id: str, scope: str, error: str | None, base_url: str | None) -> Headers:
        base = base_url or self._settings.base_url
        url = resource_metadata_url(base, self._settings.mcp_url(tenant_id, base))
        # RFC 6750 §3 (error, scope), RFC 9728 §5.1 (resource_metadata).
        parts = [f'error="{error}"'] if error else []
        parts += [f'resource_metadata="{url}"', f'scope="{scope}"']
        return [(b"www-authenticate", f"Bearer {', '.join(parts)}".encode()), _JSON, (b"cache-control", b"no-store")]


_JSON = (b"content-type", b"application/json")


def token_in_query(query: bytes) -> str | None:
    """Return the access token that a URL carries, where nobody should have put one (RFC 6750 §2.3)."""
    if b"access_token" not in query:
        return None
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return next((value for name, value in pairs if name == "access_token"), None)


def _body(code: str, description: str) -> bytes:
    return orjson.dumps({"error": code, "error_description": description})


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, headers: Headers) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return send_with_headers


def _sunset_headers(tenant: Tenant) -> Headers:
    """Return the headers that tell a script of its end (RFC 9745, RFC 8594)."""
    sunset = sunset_of(tenant)
    if sunset is None:
        return []
    return [(b"deprecation", DEPRECATED_SINCE), (b"sunset", format_datetime(sunset, usegmt=True).encode())]
