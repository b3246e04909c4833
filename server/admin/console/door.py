"""The door of the console: whoever has no session is sent to sign in, and every refusal is a page that says what to do."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from server.admin.answers import refused_for
from server.admin.console.address import Address
from server.admin.console.page import ConsolePages, forget_said, see_other
from server.admin.console.visitor import Visitor
from server.admin.refusals import AdminRefused
from server.audited import Audited, audited
from server.pages.browsers import FormRefused
from server.posted_form import FormUnreadable

PageEndpoint = Callable[[Visitor], Awaitable[Response]]
#: pages that monitors ask for: they are told so, and not sent elsewhere (operations contract, "Console")
_NOT_SENT_ON = ("/admin/errors", "/admin/health")
_TITLES = {
    400: "This address asks for something that there is not",
    403: "This is not open to you",
    404: "Nothing here",
    405: "Nothing here",
    422: "Nothing was changed",
    500: "Something is wrong on our side",
    503: "Not now",
}


class Door:
    """Lets whoever has a session through to a page."""

    def __init__(self, pages: ConsolePages) -> None:
        self._pages = pages

    def __call__(self, endpoint: PageEndpoint) -> Callable[[Request], Awaitable[Response]]:
        """Return `endpoint` behind the door."""

        async def answer(request: Request) -> Response:
            administrator = await self._pages.sessions.administrator(request)
            if administrator is None:
                return self._stranger(request)
            visitor = Visitor(request, administrator, Address.of(request), await self._pages.said_of(request))
            try:
                if request.method in ("GET", "HEAD"):
                    response = await endpoint(visitor)
                    if visitor.said:
                        forget_said(response)
                    return response
                what = Audited("page", f"{request.method} {request.url.path}", administrator.by, administrator.tenant_id)
                with audited(what):
                    return await endpoint(visitor)
            except FormRefused as refusal:
                refused = AdminRefused(403, "form_refused", str(refusal), "open the page again and send its form from there")
                return await self._refused(visitor, refused)
            except FormUnreadable as refusal:
                return await self._refused(visitor, AdminRefused(refusal.status, "form_unreadable", refusal.message))
            except Exception as error:
                refused, trace_id = refused_for(request, error)
                return await self._refused(visitor, refused, trace_id)

        return answer

    def _stranger(self, request: Request) -> Response:
        address = Address.of(request)
        # Only what a GET opens can be come back to.
        onward = address.to(stays=True) if request.method == "GET" else address.path
        way_in = self._pages.sessions.sign_in_url(onward)
        if not address.path.startswith(_NOT_SENT_ON):
            return see_other(way_in)
        message = "This page is for administrators who signed in with a passkey."
        return self._pages.bare(request, status=401, title="Sign in", message=message, way_out=("Sign in", way_in))

    async def _refused(self, visitor: Visitor, refused: AdminRefused, trace_id: str = "") -> Response:
        title = _TITLES.get(refused.status, "This cannot be done")
        is_ours = refused.status == 500
        response = await self._pages.show(
            visitor,
            "refused",
            status=refused.status,
            title=title,
            message=refused.message,
            hint=refused.hint,
            trace_id=trace_id if is_ours else "",
        )
        for name, value in refused.headers.items():
            # A challenge is for programs; a browser would ask for a password that there is not.
            if name != "www-authenticate":
                response.headers[name] = value
        return response
