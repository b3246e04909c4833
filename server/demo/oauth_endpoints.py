"""The demo CRM's own OAuth 2.0 authorization server over HTTP: consent, tokens, revocation, who is connected."""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import anyio
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from server.demo.grants import SCOPES, DemoConsent, Faults, GrantRefused, Grants
from server.demo.records import Records
from server.request_body import ClientGone, read_body

_MAX_FORM_BYTES = 64 * 1024
_BROWSER_COOKIE = "crm_browser"
_PAGE = Environment(autoescape=True).from_string((Path(__file__).parent / "consent.html").read_text(encoding="utf-8"))
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


class DemoOAuthEndpoints:
    def __init__(self, grants: Grants, records: Records) -> None:
        self._grants, self._records = grants, records
        self._client = grants.settings.client

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/oauth-authorization-server", self.metadata),
            Route("/oauth/authorize", self.authorize, methods=["GET"]),
            Route("/oauth/authorize", self.decide, methods=["POST"]),
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/oauth/revoke", self.revoke, methods=["POST"]),
            Route("/oauth/userinfo", self.userinfo),
        ]

    async def metadata(self, request: Request) -> Response:
        """RFC 8414."""
        base = _base(request)
        return JSONResponse(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/oauth/authorize",
                "token_endpoint": f"{base}/oauth/token",
                "revocation_endpoint": f"{base}/oauth/revoke",
                "userinfo_endpoint": f"{base}/oauth/userinfo",
                "scopes_supported": list(SCOPES),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def authorize(self, request: Request) -> Response:
        given = request.query_params
        redirect_uri = given.get("redirect_uri", "")
        if given.get("client_id") != self._client.client_id:
            return PlainTextResponse("unknown client_id", 400)
        if not self._may_return_to(redirect_uri):
            return PlainTextResponse("redirect_uri is not registered", 400)
        scopes = frozenset(given.get("scope", "").split()) or frozenset(SCOPES)
        wrong = self._wrong(given.get("response_type"), given.get("code_challenge_method"), given.get("code_challenge"), scopes)
        if wrong:
            return self._back(request, redirect_uri, given.get("state"), {"error": wrong[0], "error_description": wrong[1]})
        browser = request.cookies.get(_BROWSER_COOKIE) or secrets.token_urlsafe(24)
        consent = self._grants.ask(_hash(browser), redirect_uri, scopes, given.get("state"), given["code_challenge"])
        owners = self._records.find("owners")
        words = [SCOPES[scope] for scope in SCOPES if scope in scopes]
        page = _PAGE.render(client=self._client.title, consent_id=consent.consent_id, owners=owners, scopes=words)
        # The form's answer redirects to the client, which form-action would have to name: so it is left out of the policy.
        headers = {
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            "cache-control": "no-store",
        }
        response = HTMLResponse(page, headers=headers)
        response.set_cookie(_BROWSER_COOKIE, browser, httponly=True, samesite="lax", path="/oauth")
        return response

    async def decide(self, request: Request) -> Response:
        given = await _form(request)
        consent_id, decision, owner_id = (given.get(name, "") for name in ("consent_id", "decision", "owner_id"))
        consent = self._grants.answered(consent_id, _hash(request.cookies.get(_BROWSER_COOKIE, "")))
        if consent is None:
            return PlainTextResponse("this page was answered, has expired, or belongs to another browser; start again", 400)
        if decision != "allow" or owner_id not in {row["id"] for row in self._records.find("owners")}:
            return self._back(request, consent.redirect_uri, consent.state, {"error": "access_denied"})
        return self._allowed(request, consent, owner_id)

    async def token(self, request: Request) -> Response:
        faults = self._grants.faults
        if faults.token_delay_s:
            await anyio.sleep(faults.token_delay_s)
        if broken := _broken(faults):
            return broken
        given = await _form(request)
        try:
            self._authenticate(request, given)
            match given.get("grant_type"):
                case "authorization_code":
                    answer = self._grants.redeem(given.get("code", ""), given.get("redirect_uri", ""), given.get("code_verifier", ""))
                case "refresh_token":
                    answer = self._grants.refresh(given.get("refresh_token", ""))
                case _:
                    raise GrantRefused("unsupported_grant_type", "use authorization_code or refresh_token")
        except GrantRefused as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.description}, refused.status)
        if faults.lost_replies > 0:
            faults.lost_replies -= 1
            return PlainTextResponse("bad gateway", 502)
        if faults.reply_delay_s:
            await anyio.sleep(faults.reply_delay_s)
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    async def revoke(self, request: Request) -> Response:
        """RFC 7009."""
        given = await _form(request)
        try:
            self._authenticate(request, given)
        except GrantRefused as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.description}, refused.status)
        self._grants.revoke(given.get("token", ""))
        return Response(status_code=200)

    async def userinfo(self, request: Request) -> Response:
        grant = self._grants.check(request.headers.get("authorization", "").removeprefix("Bearer "))
        if grant is None:
            return JSONResponse({"error": "invalid_token"}, 401, headers={"www-authenticate": 'Bearer error="invalid_token"'})
        owner = self._records.get("owners", grant.owner_id)
        return JSONResponse({"sub": owner["id"], "name": owner["name"], "email": owner["email"], "scope": " ".join(sorted(grant.scopes))})

    def _may_return_to(self, redirect_uri: str) -> bool:
        try:
            parts = urlsplit(redirect_uri)
        except ValueError:
            return False
        loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK and not parts.fragment and "@" not in parts.netloc
        return redirect_uri in self._client.redirect_uris or loopback

    @staticmethod
    def _wrong(response_type: str | None, method: str | None, challenge: str | None, scopes: frozenset[str]) -> tuple[str, str] | None:
        if response_type != "code":
            return "unsupported_response_type", "response_type must be code"
        if method != "S256" or not challenge:
            return "invalid_request", "code_challenge with code_challenge_method S256 is required"
        if unknown := sorted(scopes - set(SCOPES)):
            return "invalid_scope", f"unknown scope {unknown[0]}"
        return None

    def _authenticate(self, request: Request, given: dict[str, str]) -> None:
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                # RFC 6749 §2.3.1: both parts are form-encoded inside the Basic value.
                client_id, _, secret = (unquote(part) for part in base64.b64decode(encoded).decode().partition(":"))
            except ValueError:
                client_id = secret = ""
        wanted = self._client.client_secret.encode()
        if client_id != self._client.client_id or not hmac.compare_digest(secret.encode(), wanted):
            raise GrantRefused("invalid_client", "client_id or client_secret is wrong", 401)

    def _allowed(self, request: Request, consent: DemoConsent, owner_id: str) -> Response:
        return self._back(request, consent.redirect_uri, consent.state, {"code": self._grants.allow(consent, owner_id)})

    def _back(self, request: Request, redirect_uri: str, state: str | None, answer: dict[str, str]) -> Response:
        faults = self._grants.faults
        parameters = dict(answer) | ({"state": state} if state is not None else {})
        if not faults.omit_issuer:
            parameters["iss"] = "https://elsewhere.example" if faults.wrong_issuer else _base(request)
        joiner = "&" if urlsplit(redirect_uri).query else "?"
        return RedirectResponse(f"{redirect_uri}{joiner}{urlencode(parameters)}", 303)


def _broken(faults: Faults) -> Response | None:
    if faults.too_many_requests > 0:
        faults.too_many_requests -= 1
        return JSONResponse({"error": "rate_limited"}, 429, headers={"retry-after": str(faults.retry_after_s)})
    if faults.unavailable > 0:
        faults.unavailable -= 1
        return PlainTextResponse("service unavailable", 503)
    return None


async def _form(request: Request) -> dict[str, str]:
    try:
        body = await read_body(request.receive, _MAX_FORM_BYTES)
    except (TimeoutError, ClientGone):
        body = None
    return dict(parse_qsl((body or b"").decode("utf-8", "replace"), keep_blank_values=True))


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
