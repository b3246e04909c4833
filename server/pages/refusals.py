"""Turn what a page endpoint refuses into pages that a person understands."""

import math
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from oauth.sign_in.errors import HashingBusy
from oauth.tenants import DEFAULT_TENANT
from server.audited import Audited, audited
from server.pages.browsers import CookiesMissing, FormRefused
from server.pages.page import Pages, see_other
from server.pages.visit import connections_url
from server.posted_form import FormUnreadable
from server.rate_limits import RateLimited

PageEndpoint = Callable[[Request], Awaitable[Response]]


COOKIES_NEEDED = "Cookies are needed"
WHY_COOKIES = (
    "This browser sent no cookie, and without one nobody can tell who is signing in. Allow cookies for this address, then start again "
    "in your application."
)


class PageRefused(Exception):
    """A page cannot be shown or a form not taken; `action` is (text, address of our own)."""

    def __init__(self, status: int, title: str, message: str, action: tuple[str, str] | None = None) -> None:
        super().__init__(f"{title}: {message}")
        self.status = status
        self.title = title
        self.message = message
        self.action = action


def cookies_needed(status: int = 400) -> PageRefused:
    return PageRefused(status, COOKIES_NEEDED, f"{WHY_COOKIES} If you started in another browser, go on there.")


def not_open_here(browser: str | None) -> PageRefused:
    """An authorization request that this browser may not see: nothing is said about it (RFC 9700 §4.7). None: it sends no cookie."""
    if browser is None:
        return cookies_needed()
    return PageRefused(
        400,
        "This sign-in is not open here",
        "It has expired, has been answered already, or was started in another browser. Start again in your application.",
    )


def no_such_tenant() -> PageRefused:
    return PageRefused(404, "Nothing here", "There is no such place on this gateway. Check the address.")


def for_people(pages: Pages, endpoint: PageEndpoint) -> PageEndpoint:
    """Return `endpoint` with its refusals answered as pages, and with what it changes on record (server/audited.py)."""

    async def answer(request: Request) -> Response:
        if request.method == "GET" and (moved := pages.own_address(request)) is not None:
            return see_other(moved)
        try:
            if request.method == "GET":
                return await endpoint(request)
            # Whoever is found to sit there (BrowserSessions) and what the form asks for is filled in on the way.
            with audited(Audited("page", f"{request.method} {request.url.path}")):
                return await endpoint(request)
        except PageRefused as refusal:
            way_on = _way_on(request)
            return pages.error(refusal.status, refusal.title, refusal.message, action=refusal.action or way_on, also=way_on)
        except CookiesMissing:
            return pages.error(403, COOKIES_NEEDED, WHY_COOKIES, action=_again(request))
        except FormRefused as refusal:
            return pages.error(403, "This form was not accepted", f"{_sentence(str(refusal))}", action=_again(request))
        except FormUnreadable as refusal:
            return pages.error(refusal.status, "This form could not be read", _sentence(refusal.message), action=_again(request))
        except HashingBusy:
            message = "Many people are signing in right now. Try again in a few seconds."
            return pages.error(503, "A moment, please", message, action=_again(request), headers={"Retry-After": "3"})
        except RateLimited as refusal:
            wait_s = max(1, math.ceil(refusal.retry_after_s))
            message = f"There have been too many attempts. Wait {_duration(wait_s)}, then try again."
            return pages.error(429, "A moment, please", message, action=_way_on(request), headers={"Retry-After": str(wait_s)})

    return answer


def _way_on(request: Request) -> tuple[str, str]:
    """Return where a person goes who can do nothing here: no page is a dead end."""
    path: str = request.scope["path"]
    if not path.startswith("/connect"):
        return ("To the start page", "/")
    tenant = request.path_params.get("tenant", DEFAULT_TENANT) if path.startswith("/connect/") else DEFAULT_TENANT
    return ("To your connections", connections_url(tenant))


def _again(request: Request) -> tuple[str, str]:
    """Return the page that the form was on, where its address alone opens it."""
    path: str = request.scope["path"]
    if path.startswith(("/connect", "/account")):
        return ("Open the page again", quote(path))
    return _way_on(request)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _duration(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second{'s' * (seconds != 1)}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes"
