"""Fixture resources of the conformance suite."""

import re
from typing import Any

import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from server.mcp.answers import encoded
from server.mcp.conformance.tools import PNG
from server.mcp.extras import Context

CACHE_TTL_MS = 60_000
TEMPLATE = "test://template/{id}/data"
_TEMPLATE_URI = re.compile(r"^test://template/([^/]+)/data$")
RESOURCES: dict[str, dict[str, Any]] = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "This resource can be watched."},
}


async def list_resources(ctx: Context, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
    """Return every fixture resource that is no template."""
    resources = [
        types.Resource(uri=uri, name=uri.rpartition("/")[2], description=f"conformance fixture {uri}", mime_type=content["mimeType"])
        for uri, content in RESOURCES.items()
    ]
    return types.ListResourcesResult(resources=resources, ttl_ms=CACHE_TTL_MS, cache_scope="private")


async def list_templates(ctx: Context, params: types.PaginatedRequestParams) -> types.ListResourceTemplatesResult:
    """Return the one fixture template."""
    template = types.ResourceTemplate(
        uri_template=TEMPLATE, name="template-data", description="conformance fixture template", mime_type="application/json"
    )
    return types.ListResourceTemplatesResult(resource_templates=[template], ttl_ms=CACHE_TTL_MS, cache_scope="private")


async def read_resource(ctx: Context, params: types.ReadResourceRequestParams) -> HandlerResult:
    """Return the content of one fixture resource."""
    if (match := _TEMPLATE_URI.match(params.uri)) is not None:
        data = {"id": match[1], "templateTest": True, "data": f"Data for ID: {match[1]}"}
        content = {"mimeType": "application/json", "text": encoded(data).decode()}
    elif (known := RESOURCES.get(params.uri)) is not None:
        content = known
    else:
        raise MCPError(INVALID_PARAMS, "resource not found", {"uri": params.uri})
    return {
        "contents": [{"uri": params.uri, **content}],
        "resultType": "complete",
        "ttlMs": CACHE_TTL_MS,
        "cacheScope": "private",
    }
