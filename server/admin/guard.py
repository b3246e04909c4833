"""The door of `/admin/api/…`: who it is comes before everything else, and every error has one shape."""

import math
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.admin.administrators import Administrator, Administrators
from server.admin.answers import refusal_of
from server.admin.asked import ADMINISTRATOR
from server.admin.refusals import AdminRefused
from server.audited import Audited, audited, unaudited
from server.rate_limits import RateLimited, RateLimits
from server.request_body import ClientGone

#: of a person or machine, over all addresses and addressees
BUCKET = "admin_principal"
POLICY = "principal"
LESS = "ask for more rows at a time, or with format=jsonl; `[limits.rates.admin_principal]` says how often"


class AdminGuard:
    """Lets an administrator through to `app`; nobody else learns even which addresses there are."""

    def __init__(self, app: ASGIApp, administrators: Administrators, limits: RateLimits, metadata_url: str = "") -> None:
        """`metadata_url`: where challenges say how to get a token (RFC 9728 §5.1); "": they do not."""
        self._app, self._administrators, self._limits, self._metadata_url = app, administrators, limits, metadata_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            administrator = await self._administrators.of(request)
            send = await self._counted(administrator, send)
            # Without the handlers of the application around it: their errors have another shape.
            inner = {name: value for name, value in scope.items() if name != "starlette.exception_handlers"}
            what = Audited("api", f"{request.method} {request.url.path}", administrator.by, administrator.tenant_id)
            # Whoever only looks changes nothing, whatever the gateway writes down meanwhile.
            with unaudited() if request.method in ("GET", "HEAD") else audited(what):
                await self._app({**inner, ADMINISTRATOR: administrator}, receive, send)
        except ClientGone:
            return
        except Exception as error:
            # The answer may be under way already; then the server closes the connection, and the log has the reason.
            with suppress(RuntimeError):
                response = refusal_of(request, error)
                if (challenge := response.headers.get("www-authenticate")) and self._metadata_url:
                    response.headers["www-authenticate"] = f'{challenge}, resource_metadata="{self._metadata_url}"'
                await response(scope, receive, send)

    async def _counted(self, administrator: Administrator, send: Send) -> Send:
        """Count a request; return a `send` that says what is left. Raises AdminRefused."""
        key = f"{administrator.tenant_id}/{administrator.subject}"
        try:
            standing = await self._limits.check(BUCKET, key)
        except RateLimited as error:
            wait_s = max(1, math.ceil(error.retry_after_s))
            headers = {"retry-after": str(wait_s), **error.standing.headers(POLICY)}
            raise AdminRefused(429, "rate_limited", f"too many requests; wait {wait_s} s", LESS, headers=headers) from error
        told = [(name.encode(), value.encode()) for name, value in standing.headers(POLICY).items()]

        async def send_with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *told]}
            await send(message)

        return send_with_standing


async def nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Answer an address that is none."""
    ways = "GET /admin/api/openapi.json says what there is, docs/guides/ai-administration.md what is below /admin/api/ai"
    raise HTTPException(404, f"there is nothing at this address; {ways}")
