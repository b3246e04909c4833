"""The well-known documents of authorization server and resources (RFC 8414, RFC 9728)."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.metadata import authorization_server_metadata, protected_resource_metadata
from oauth.resources import Resources
from oauth.scopes import CONNECT, MODELS, UMBRELLAS
from oauth.services.machine import ADMIN_SCOPES
from oauth.tenants import DEFAULT_TENANT, Tenants
from server.authorization.requests import for_machines, json_answer
from server.config.settings import Settings
from server.json_error import json_error
from server.origins import Callers

MAX_AGE_S = 300
#: clients try the path of the resource after the well-known part, and OpenID Connect's name for the document
# RFC 8414 §3.1 puts the well-known part before the path, §5 and OpenID Connect Discovery §4.1 behind it.
_SERVER_PATHS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/mcp",
    "/.well-known/openid-configuration/mcp",
    "/mcp/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/mcp/{tenant}",
    "/.well-known/openid-configuration/mcp/{tenant}",
)
_RESOURCE_PATHS = (
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/{tenant}",
)


#: where models are called (AI gateway contract)
_MODELS_PATHS = ("/.well-known/oauth-protected-resource/v1", "/.well-known/oauth-protected-resource/v1/{tenant}")


#: where the gateway is administered (operations contract, "Automation")
_ADMIN_PATH = "/.well-known/oauth-protected-resource/admin"


class MetadataEndpoints:
    """Every document is made of settings alone. No header of a request changes a byte of it, but for a gateway on loopback: there the
    resource is named as the client names it, of the three names that this machine has."""

    def __init__(self, *, settings: Settings, tenants: Tenants, grant_types: Iterable[str], id_jag: bool = False) -> None:
        self._settings = settings
        self._tenants = tenants
        # RFC 8414 §3.3, RFC 9728 §3.3: clients compare byte for byte; a document made of the Host header would say what the sender likes.
        self._callers = Callers(settings.base_url)
        self._server = authorization_server_metadata(settings.base_url, tuple(grant_types), (CONNECT, *UMBRELLAS), id_jag=id_jag)

    def routes(self) -> list[Route]:
        """Return the routes; they come before the guarded `/mcp/{tenant}`."""
        server, resource, models = (for_machines(each, "GET") for each in (self.server, self.resource, self.models))
        endpoints = [(path, server) for path in _SERVER_PATHS] + [(path, resource) for path in _RESOURCE_PATHS]
        endpoints += [(path, models) for path in _MODELS_PATHS]
        endpoints += [(_ADMIN_PATH, for_machines(self.admin, "GET"))]
        # A client that was told `/mcp/` puts the well-known part before just that; it is the same resource.
        endpoints += [(f"{path}/", endpoint) for path, endpoint in endpoints]
        return [Route(path, endpoint, methods=["GET", "OPTIONS"]) for path, endpoint in endpoints]

    async def server(self, request: Request) -> Response:
        tenant_id = request.path_params.get("tenant", DEFAULT_TENANT)
        return _not_found() if self._tenants.get(tenant_id) is None else _cacheable(json_answer(self._server))

    async def resource(self, request: Request) -> Response:
        tenant_id = request.path_params.get("tenant")
        tenant = self._tenants.get(tenant_id or DEFAULT_TENANT)
        # The default tenant has one URL, so that there is one resource and one document for it.
        # RFC 9728 §3.3: `resource` must be the URL that was asked for, so a second URL would need a second resource.
        if tenant is None or tenant_id == DEFAULT_TENANT:
            return _not_found()
        resource = self._settings.mcp_url(tenant.tenant_id, self._callers.base_url_at(request.headers.get("host")))
        return _cacheable(json_answer(protected_resource_metadata(tenant, resource, self._settings.base_url, tenant.baseline_scopes)))

    async def models(self, request: Request) -> Response:
        tenant_id = request.path_params.get("tenant")
        tenant = self._tenants.get(tenant_id or DEFAULT_TENANT)
        if tenant is None or tenant_id == DEFAULT_TENANT:
            return _not_found()
        base_url = self._callers.base_url_at(request.headers.get("host"))
        resource = Resources(self._tenants, self._settings.mcp_url, base_url).of(tenant.tenant_id, "models")
        return _cacheable(json_answer(protected_resource_metadata(tenant, resource, self._settings.base_url, (MODELS,))))

    async def admin(self, _request: Request) -> Response:
        tenant = self._tenants.get(DEFAULT_TENANT)
        if tenant is None:
            return _not_found()
        # One document: service principals of every tenant ask for this resource, and are given tokens for their tenant's.
        resource = f"{self._settings.admin_url}/admin"
        return _cacheable(json_answer(protected_resource_metadata(tenant, resource, self._settings.base_url, ADMIN_SCOPES)))


def _cacheable(response: Response) -> Response:
    response.headers["cache-control"] = f"public, max-age={MAX_AGE_S}"
    return response


def _not_found() -> Response:
    return json_error(404, "not_found", "there is no such resource here")
