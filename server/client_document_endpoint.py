"""`/connect/clients/{tenant}/{provider}`: this gateway as a client of an upstream's authorization server, for whoever asks."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oauth.connections.connecting.keys import ConnectionRefused, check_provider
from oauth.connections.upstream.registration import client_document
from oauth.tenants import Tenants

MAX_AGE_S = 3600


class ClientDocuments:
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
