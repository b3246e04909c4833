"""Pushed authorization requests: a client leaves its parameters here first and sends the browser with a handle (RFC 9126)."""

import time
from collections.abc import Callable

from oauth.clients.client import Client
from oauth.errors import OAuthError
from oauth.parameters import Parameters
from oauth.stores import GrantStore
from oauth.tokens.formats import hash_token, new_handle
from oauth.tokens.grant_records import PushedRequest
from oauth.tokens.lifetimes import Lifetimes

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
#: what authenticated the client is no part of the request
# RFC 9126 §2.1: authentication is of this request; kept, a secret would lie in the store in clear
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


class PushedRequests:
    def __init__(self, store: GrantStore, lifetimes: Lifetimes, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._lifetimes = lifetimes
        self._clock = clock

    async def push(self, client: Client, form: Parameters) -> tuple[str, int]:
        """Keep the parameters of an authenticated client; return the request_uri and its lifetime in seconds."""
        # RFC 9126 §2.2, §7.1: cannot be guessed.
        handle = new_handle()
        # RFC 9126 §2.1: the client_id is the authenticated one, whatever the form says beside it.
        pairs = tuple((name, value) for name, value in form.pairs() if name not in _CREDENTIALS | {"client_id"})
        expires_at = self._clock() + self._lifetimes.pushed_request_s
        pushed = PushedRequest(hash_token(handle), client.client_id, (("client_id", client.client_id), *pairs), expires_at)
        async with self._store.transaction() as rows:
            await rows.add_pushed(pushed)
        return REQUEST_URI_PREFIX + handle, int(self._lifetimes.pushed_request_s)

    async def take(self, request_uri: str, client_id: str) -> Parameters:
        """Return what this client pushed, once. Raises OAuthError."""
        handle = request_uri.removeprefix(REQUEST_URI_PREFIX)
        async with self._store.transaction() as rows:
            # RFC 9126 §2.2 (bound to the client that pushed), §4 (one use; expired is invalid), §7.3 (replay): in one step.
            pushed = await rows.take_pushed(hash_token(handle), client_id, self._clock())
        if pushed is None:
            raise OAuthError(
                "invalid_request_uri", "this request was used before, has expired, or belongs to another application; start again"
            )
        return Parameters(pushed.parameters)
