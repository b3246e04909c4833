"""The token endpoint: authenticate the client, pick the grant type, answer (RFC 6749 §3.2)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from oauth.clients.authentication import ClientAuthentication
from oauth.clients.client import TOKEN_EXCHANGE, Client
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.tokens.reply import TokenReply


class GrantHandler(Protocol):
    async def redeem(self, client: Client, form: Parameters) -> TokenReply:
        """Exchange what the form presents for tokens. Raises OAuthError."""
        ...


@dataclass(frozen=True, slots=True)
class TokenExchange:
    """What became of one request: "issued", or the error code (RFC 6749 §5.2). Neither client nor secret, so that figures may show it."""

    at: float
    duration_ms: float
    #: of those that this server exchanges; "other" for what a client made up
    grant_type: str
    outcome: str
    #: "" where nothing was issued
    tenant_id: str = ""


OTHER_GRANT_TYPE = "other"
ISSUED = "issued"


class WorkloadGrant(Protocol):
    async def redeem(self, form: Parameters) -> TokenReply:
        """Exchange what somebody else signed about a workload (RFC 8693). Raises OAuthError."""
        ...


class TokenEndpoint:
    """`handlers_by_grant_type` is everything that this server exchanges for tokens; `watch` is told what became of each request."""

    def __init__(
        self,
        authentication: ClientAuthentication,
        handlers_by_grant_type: Mapping[str, GrantHandler],
        clock: Callable[[], float] = time.time,
        watch: Callable[[TokenExchange], None] = lambda _exchange: None,
        workloads: WorkloadGrant | None = None,
    ) -> None:
        self._workloads = workloads
        self._watch = watch
        self._authentication = authentication
        self._handlers_by_grant_type = handlers_by_grant_type
        self._clock = clock

    async def answer(self, form: Parameters, authorization: str | None) -> Mapping[str, str | int]:
        """Return the members of the token response. Raises OAuthError."""
        begun, outcome, tenant_id = time.perf_counter(), "server_error", ""
        try:
            reply = await self._redeemed(form, authorization)
            outcome, tenant_id = ISSUED, reply.tenant_id
        except OAuthError as error:
            outcome = error.code
            raise
        finally:
            named = form.get("grant_type") or OTHER_GRANT_TYPE
            grant_type = named if named in (*self._handlers_by_grant_type, TOKEN_EXCHANGE) else OTHER_GRANT_TYPE
            self._watch(TokenExchange(self._clock(), (time.perf_counter() - begun) * 1_000, grant_type, outcome, tenant_id))
        return reply.to_wire(self._clock())

    async def _redeemed(self, form: Parameters, authorization: str | None) -> TokenReply:
        # RFC 8693 §2.1: client authentication is the server's choice; a workload has a statement of its platform and nothing else.
        if form.get("grant_type") == TOKEN_EXCHANGE and self._workloads is not None:
            # RFC 6749 §2.3: whoever proves to be a client by the header as well would be two senders.
            if authorization is not None:
                raise OAuthError("invalid_request", "no client authenticates here: leave the Authorization header out")
            return await self._workloads.redeem(form)
        # RFC 6749 §3.2.1: before the grant is looked at, so that nothing is spent or told to a stranger.
        client = await self._authentication.authenticate(form, authorization)
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise OAuthError("invalid_request", "grant_type is missing")
        handler = self._handlers_by_grant_type.get(grant_type)
        # RFC 6749 §5.2; the list is of what is registered here, never of what exists (no password, RFC 9700 §2.4).
        if handler is None:
            raise OAuthError("unsupported_grant_type", f"grant_type is not one of {', '.join(sorted(self._handlers_by_grant_type))}")
        # RFC 6749 §5.2 (unauthorized_client), RFC 7591 §2.
        if grant_type not in client.grant_types:
            raise OAuthError("unauthorized_client", "this client may not use this grant_type")
        return await handler.redeem(client, form)
