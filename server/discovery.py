"""Public documents that say where the MCP endpoint is and what it is (SEP-2127 server card, AI catalogue, registry server.json)."""

import hashlib
from urllib.parse import urlsplit

import orjson
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oauth.connections.connecting.keys import check_provider
from oauth.connections.errors import ConnectionRefused
from oauth.connections.upstream.registration import client_document
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.config.settings import Settings
from server.identity import DESCRIPTION, NAME, TITLE, VERSION
from tools.operation import Json

CARD_TYPE = "application/mcp-server-card+json"
CATALOG_TYPE = "application/ai-catalog+json"
CARD_SCHEMA = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
REGISTRY_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
CARD_PATHS = ("/mcp/server-card", "/.well-known/mcp-server-card", "/.well-known/mcp/server-card.json")

_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Content-Type, If-None-Match, MCP-Protocol-Version",
    "access-control-expose-headers": "ETag",
}


class Discovery:
    """Serves the documents, made once: they depend on settings only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes; they come before the guarded `/mcp/{tenant}`, whose pattern fits `/mcp/server-card` too."""
        card = PublishedDocument(server_card(self._settings), CARD_TYPE)
        catalog = PublishedDocument(ai_catalog(self._settings), CATALOG_TYPE)
        registry = PublishedDocument(registry_entry(self._settings), "application/json")
        paths = [(path, card) for path in CARD_PATHS]
        paths += [("/.well-known/ai-catalog.json", catalog), ("/server.json", registry)]
        return [Route(path, document.answer, methods=["GET", "OPTIONS"]) for path, document in paths]


class PublishedDocument:
    """A JSON document that never changes while the process runs, with the ETag of its content."""

    def __init__(self, content: Json, media_type: str) -> None:
        self._body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        etag = hashlib.sha256(self._body).hexdigest()[:32]
        self._etag = f'"{etag}"'
        self._media_type = media_type
        self._headers = {**_CORS, "etag": self._etag, "cache-control": "public, max-age=3600"}

    async def answer(self, request: Request) -> Response:
        """Answer GET, HEAD and preflight; 304 where the client already has this content (RFC 9110 §13.1.2)."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**_CORS, "access-control-max-age": "86400"})
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self._etag in known or "*" in known:
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, headers=self._headers, media_type=self._media_type)


def server_name(settings: Settings) -> str:
    """Return the reverse-DNS name of this server: its host, turned round, and the product."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    is_address = ":" in host or host.replace(".", "").isdigit()
    return f"{'localhost' if is_address else '.'.join(reversed(host.split('.')))}/{NAME}"


def server_card(settings: Settings) -> dict[str, Json]:
    """Return the server card (SEP-2127): where to connect, and nothing that depends on who asks."""
    versions = [*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS)]
    return {
        "$schema": CARD_SCHEMA,
        **_about(settings),
        "remotes": [{**remote, "supportedProtocolVersions": versions} for remote in _remotes(settings)],
    }


def ai_catalog(settings: Settings) -> dict[str, Json]:
    """Return the AI catalogue: one entry, our server card."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    entry = {
        "identifier": f"urn:air:{host}:mcp:{NAME}",
        "displayName": TITLE,
        "type": CARD_TYPE,
        "url": f"{settings.base_url}{CARD_PATHS[0]}",
    }
    return {"specVersion": "1.0", "entries": [entry]}


def registry_entry(settings: Settings) -> dict[str, Json]:
    """Return `server.json` as the MCP registry takes it, for a remote-only server."""
    return {"$schema": REGISTRY_SCHEMA, **_about(settings), "remotes": _remotes(settings)}


def _about(settings: Settings) -> dict[str, Json]:
    return {"name": server_name(settings), "title": TITLE, "description": DESCRIPTION, "version": VERSION}


def _remotes(settings: Settings) -> list[dict[str, Json]]:
    tenant = {"description": "name of the tenant", "isRequired": True}
    return [
        {"type": "streamable-http", "url": settings.mcp_url(DEFAULT_TENANT)},
        {"type": "streamable-http", "url": f"{settings.base_url}/mcp/{{tenant}}", "variables": {"tenant": tenant}},
    ]


MAX_AGE_S = 3600


class UpstreamClientDocuments:
    """The documents follow from the address alone: nothing is looked up, and nothing of a tenant is told but the name in the address."""

    def __init__(self, base_url: str, tenants: Tenants) -> None:
        self._base_url, self._tenants = base_url, tenants

    def routes(self) -> list[Route]:
        return [Route("/connect/clients/{tenant}/{provider}", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        tenant, provider = request.path_params["tenant"], request.path_params["provider"]
        try:
            check_provider(provider)
        except ConnectionRefused:
            return JSONResponse({"error": "not_found"}, 404)
        if self._tenants.get(tenant) is None:
            return JSONResponse({"error": "not_found"}, 404)
        document = client_document(self._base_url, tenant, provider)
        return JSONResponse(document, headers={"cache-control": f"public, max-age={MAX_AGE_S}"})
