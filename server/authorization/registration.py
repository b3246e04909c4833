"""`/register`: clients register themselves and manage their registration (RFC 7591, RFC 7592)."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.clients.registration import Registration
from oauth.errors import OAuthError
from server.authorization.requests import address_of, bearer_of, for_machines, json_answer, read_body
from server.rate_limits import RateLimits, is_shared, network_key


class RegistrationEndpoints:
    def __init__(self, *, registration: Registration, limits: RateLimits) -> None:
        self._registration = registration
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            Route("/register", for_machines(self.register, "POST"), methods=["POST", "OPTIONS"]),
            Route("/register/{client_id}", for_machines(self.manage, "GET, PUT, DELETE"), methods=["GET", "PUT", "DELETE", "OPTIONS"]),
        ]

    async def register(self, request: Request) -> Response:
        # RFC 7591 §3.1.
        _check_json(request)
        body = await read_body(request)
        address = address_of(request)
        software = _software(body)
        # RFC 7591 §5: open to everybody, so it is bounded by address, by software and in all (decision 0021).
        await self._limits.check_address("register", address, software)
        newcomer = software if is_shared(address) else address
        taken = await self._limits.check_shared(("register", "all"), ("register_newcomer", newcomer))
        if taken[0] != "register" and not is_shared(address) and (network := network_key(address)) is not None:
            await self._limits.check("register_network", network)
        return json_answer(await self._registration.register(body, address), 201)

    async def manage(self, request: Request) -> Response:
        # RFC 7592 §5: registration access tokens are guessed like any other.
        await self._limits.check("token_address", address_of(request))
        client_id, token = request.path_params["client_id"], bearer_of(request)
        if request.method == "DELETE":
            await self._registration.remove(client_id, token)
            # RFC 7592 §2.3.
            return Response(status_code=204)
        if request.method == "PUT":
            _check_json(request)
            return json_answer(await self._registration.change(client_id, token, await read_body(request)))
        return json_answer(await self._registration.read(client_id, token))


def _software(body: bytes) -> str:
    """Return what tells one piece of software that registers from another: its name and where it wants to be answered."""
    try:
        told = orjson.loads(body)
        return repr((told.get("client_name"), told.get("redirect_uris")))
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _check_json(request: Request) -> None:
    # A form or text/plain comes from any web page without a preflight (Fetch, CORS-safelisted request-header); this type does not.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise OAuthError("invalid_client_metadata", "send application/json", status=415)
