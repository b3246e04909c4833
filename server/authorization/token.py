"""`/token`, `/revoke`, `/introspect` and `/par`: forms in, JSON out."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oauth.authorization.authorize import Authorization
from oauth.authorization.pushed_requests import PushedRequests
from oauth.clients.authentication import ClientAuthentication
from oauth.errors import AuthorizeError, OAuthError
from oauth.parameters import Parameters
from oauth.token import TokenEndpoint
from oauth.tokens.introspection import Introspection
from oauth.tokens.revocation import Revocation
from server.authorization.requests import Throttle, address_of, authorization_of, claimed_client, for_machines, json_answer, read_form
from server.rate_limits import Place, RateLimits


class OAuthEndpoints:
    """The endpoints that clients call with their own credentials."""

    def __init__(
        self,
        *,
        token: TokenEndpoint,
        authentication: ClientAuthentication,
        revocation: Revocation,
        introspection: Introspection,
        pushed: PushedRequests,
        authorization: Authorization,
        limits: RateLimits,
    ) -> None:
        self._token = token
        self._authentication = authentication
        self._revocation = revocation
        self._introspection = introspection
        self._pushed = pushed
        self._authorization = authorization
        self._limits = limits
        self._throttle = Throttle(limits)

    def routes(self) -> list[Route]:
        endpoints = {"/token": self.token, "/revoke": self.revoke, "/introspect": self.introspect, "/par": self.push}
        # RFC 6749 §3.2: POST alone; in a query the code would be in every log.
        return [Route(path, for_machines(endpoint, "POST"), methods=["POST", "OPTIONS"]) for path, endpoint in endpoints.items()]

    async def token(self, request: Request) -> Response:
        """Exchange a grant for tokens (RFC 6749 §3.2)."""
        form, authorization, taken = await self._read(request)
        # Given back only after this: an exchange that fails stays counted (RFC 6749 §10.10).
        reply = await self._token.answer(form, authorization)
        self._throttle.give_back(taken)
        return json_answer(reply)

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009): 200 with an empty body, whether it existed or not."""
        form, authorization, taken = await self._read(request)
        client = await self._authentication.authenticate(form, authorization)
        # RFC 7009 §2.1: the client is authenticated first, so that nobody ends tokens that they only saw.
        await self._revocation.revoke(client, form)
        self._throttle.give_back(taken)
        # RFC 7009 §2.2: a token that nobody knows has reached what was asked for.
        return Response(status_code=200)

    async def introspect(self, request: Request) -> Response:
        """Say what a token is worth (RFC 7662)."""
        form, authorization, taken = await self._read(request)
        client = await self._authentication.authenticate(form, authorization)
        # RFC 7662 §4: an authenticated client may still scan for tokens.
        await self._limits.check("introspect_client", client.client_id)
        answer = await self._introspection.answer(client, form, by_header=authorization is not None)
        self._throttle.give_back(taken)
        return json_answer(answer)

    async def push(self, request: Request) -> Response:
        """Take the parameters of an authorization request ahead of the browser (RFC 9126), checked as /authorize checks them."""
        form, authorization, taken = await self._read(request)
        client = await self._authentication.authenticate(form, authorization)
        # RFC 9126 §2.1: MUST NOT be provided; a pushed request that names another could go round.
        if form.get("request_uri") is not None:
            raise OAuthError("invalid_request", "request_uri cannot be pushed")
        # RFC 9126 §2.1: the client_id is the authenticated client's.
        parameters = Parameters([*((name, value) for name, value in form.pairs() if name != "client_id"), ("client_id", client.client_id)])
        try:
            # RFC 9126 §2.1: refused here, where the client's developer sees it. /authorize checks again (§4), since time passes.
            await self._authorization.check(parameters)
        except AuthorizeError as error:
            raise OAuthError(error.code, error.description) from error
        # Not given back: what was pushed is kept, and whoever is a public client may be anybody.
        await self._limits.check_address("push", address_of(request), client.client_id)
        request_uri, expires_in = await self._pushed.push(client, form)
        self._throttle.give_back(taken)
        return json_answer({"request_uri": request_uri, "expires_in": expires_in}, 201)

    async def _read(self, request: Request) -> tuple[Parameters, str | None, list[Place]]:
        """Return the form, the Authorization header and where the request was counted. Raises OAuthError, RateLimited."""
        authorization = authorization_of(request)
        form = await read_form(request)
        # Counted under what is claimed, before any look-up or hashing is spent on it.
        client_id = claimed_client(form, authorization)
        taken = await self._throttle.take(request, client_id, form)
        return form, authorization, taken
