"""Who may call the demo CRM's API, and how often."""

import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from server.demo.grants import Grants
from server.demo.problems import Problem

WINDOW_S = 60
#: HTTP method -> scope it needs; "*": any other
SCOPE_BY_METHOD = {"GET": "crm.read", "*": "crm.write"}


@dataclass(frozen=True, slots=True)
class Caller:
    """`key` names the caller for rate limits and idempotency keys."""

    owner_id: str
    key: str


ANYBODY = Caller("own_1", "anybody")


class Protection:
    """An API key, OAuth, both (either opens), or nothing; and a fixed window of requests for each caller."""

    def __init__(self, api_key: str | None, grants: Grants | None, requests_per_min: int, clock: Callable[[], float]) -> None:
        self._api_key, self._grants = api_key, grants
        self._limit, self._clock = requests_per_min, clock
        #: caller -> (window, requests in it)
        self._used: dict[str, tuple[int, int]] = {}

    def admit(self, request: Request) -> Caller:
        """Return who calls. Raises Problem 401 or 403."""
        if self._api_key is None and self._grants is None:
            return ANYBODY
        given = request.headers.get("x-api-key")
        if given and self._api_key is not None and hmac.compare_digest(given.encode(), self._api_key.encode()):
            return Caller("own_1", "api_key")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if self._grants is not None and kind.lower() == "bearer":
            grant = self._grants.check(token)
            if grant is not None:
                return self._within_scope(request, Caller(grant.owner_id, grant.grant_id), grant.scopes)
            headers = {"www-authenticate": 'Bearer realm="demo-crm", error="invalid_token"'}
            raise Problem(401, "unauthorized", "the access token is unknown, expired or revoked", headers=headers)
        asked = "send an API key in X-API-Key" if self._api_key is not None else "send an access token"
        scheme = 'Bearer realm="demo-crm"' if self._grants is not None else 'ApiKey realm="demo-crm"'
        raise Problem(401, "unauthorized", f"this CRM is protected: {asked}", headers={"www-authenticate": scheme})

    def count(self, caller: Caller) -> dict[str, str]:
        """Count one request and return the rate limit headers. Raises Problem 429."""
        now = self._clock()
        window = int(now // WINDOW_S)
        seen, used = self._used.get(caller.key, (window, 0))
        used = used + 1 if seen == window else 1
        self._used[caller.key] = (window, used)
        reset_s = math.ceil((window + 1) * WINDOW_S - now)
        headers = {
            "x-ratelimit-limit": str(self._limit),
            "x-ratelimit-remaining": str(max(0, self._limit - used)),
            "x-ratelimit-reset": str(reset_s),
        }
        if used > self._limit:
            message = f"more than {self._limit} requests in a minute; try again in {reset_s} s"
            raise Problem(429, "rate_limited", message, headers=headers | {"retry-after": str(reset_s)})
        return headers

    @staticmethod
    def _within_scope(request: Request, caller: Caller, scopes: frozenset[str]) -> Caller:
        needed = SCOPE_BY_METHOD.get(request.method, SCOPE_BY_METHOD["*"])
        if needed not in scopes:
            headers = {"www-authenticate": f'Bearer realm="demo-crm", error="insufficient_scope", scope="{needed}"'}
            raise Problem(403, "insufficient_scope", f"the access token lacks the scope {needed}", headers=headers)
        return caller
