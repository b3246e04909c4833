"""The authorization server of the Salesforce stand-in over HTTP: everybody who is asked says yes at once."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from server.demo.salesforce.sessions import CLIENT_ID, GrantRefused, Sessions

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def oauth_routes(sessions: Sessions) -> list[web.RouteDef]:
    """Return authorize, token, revoke and userinfo, at Salesforce's paths."""

    async def authorize(request: web.Request) -> web.Response:
        given = request.query
        redirect_uri = given.get("redirect_uri", "")
        if given.get("client_id") != CLIENT_ID or urlsplit(redirect_uri).hostname not in _LOOPBACK:
            return web.Response(status=400, text="error=redirect_uri_mismatch")
        answer = {"code": sessions.allow(redirect_uri, given.get("code_challenge", ""))}
        if "state" in given:
            answer["state"] = given["state"]
        return web.Response(status=302, headers={"location": f"{redirect_uri}?{urlencode(answer)}"})

    async def token(request: web.Request) -> web.Response:
        given = {name: str(value) for name, value in (await request.post()).items()}
        try:
            return web.json_response(sessions.grant(given, str(request.url.origin())), headers={"cache-control": "no-store"})
        except GrantRefused as refused:
            return web.json_response({"error": refused.error, "error_description": str(refused)}, status=400)

    async def revoke(request: web.Request) -> web.Response:
        sessions.revoke(str((await request.post()).get("token", "")))
        return web.Response()

    async def userinfo(request: web.Request) -> web.Response:
        if not sessions.check(request.headers.get("authorization", "").removeprefix("Bearer ")):
            return web.Response(status=403, text="Bad_OAuth_Token")
        me = {"user_id": "0055g00000DemoUsrAAA", "organization_id": "00D5g00000DemoOrgEAA", "name": "Demo Integration",
              "preferred_username": "integration@seller.example"}  # fmt: skip
        return web.json_response(me)

    base = "/services/oauth2"
    return [
        web.get(f"{base}/authorize", authorize),
        web.post(f"{base}/token", token),
        web.post(f"{base}/revoke", revoke),
        web.get(f"{base}/userinfo", userinfo),
    ]


def salesforce_provider(base_url: str) -> dict[str, Any]:
    """Return the definition of the stand-in as a provider whose accounts people connect."""
    base = f"{base_url}/services/oauth2"
    return {
        "id": "salesforce",
        "title": "Salesforce stand-in",
        "auth": "oauth2",
        "authorize_url": f"{base}/authorize",
        "token_url": f"{base}/token",
        "revoke": {"url": f"{base}/revoke", "style": "rfc7009", "token": "refresh"},
        "pkce": "S256",
        "client_auth": "body",
        "default_scopes": ["api", "refresh_token", "openid"],
        "access_token_ttl_s": 5400,
        "refresh": {"rotates": "sometimes", "lifetime_days": None},
        "account": {
            "request": {"url": f"{base}/userinfo"},
            "id": "join(':', [me.organization_id, me.user_id])",
            "title": "me.preferred_username",
        },
        "api_base": {"from": "instance_url", "host_pattern": r"127\.0\.0\.1"},
    }


def salesforce_machine(base_url: str) -> dict[str, Any]:
    """Return the definition for a machine account, which nobody has to connect."""
    person = salesforce_provider(base_url)
    kept = ("id", "title", "token_url", "client_auth", "access_token_ttl_s", "api_base")
    return {name: person[name] for name in kept} | {"auth": "client_credentials"}
