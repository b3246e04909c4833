"""Render a page of the console: its frame, its headers, its size on the way."""

import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from oauth import base64url
from server.admin.console.address import page_of
from server.admin.console.navigation import navigation
from server.admin.console.values import plain, said, shown, title_of, with_code
from server.admin.console.visitor import ConsoleSessions, Visitor
from server.admin.resource import Resource
from server.pages.page import page_headers
from server.pages.static_files import StaticFiles

_HERE = Path(__file__).parent
#: as the other pages have it, with our one script, which asks for the same page again, and with forms for ourselves alone
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAID_COOKIE, _SAID_S, _SAID = "ascend_said", 60, "said"
#: smaller than a packet it travels as fast
_MIN_PACKED_BYTES = 1_000

# Knows no gateway, so that a process compiles each template once.
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters.update(plain=plain, shown=shown, said=said, title_of=title_of, page_of=page_of, with_code=with_code)


class ConsolePages:
    """The templates, and what every page has: who it is, where they are, what the last change said."""

    def __init__(
        self, sessions: ConsoleSessions, resources: Sequence[Resource], *, host: str, icon: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`icon`: the address of the mark, which all pages of the gateway share."""
        self.sessions = sessions
        self._resources, self._host, self._icon, self._clock = resources, host, icon, clock
        self.static = StaticFiles(_HERE / "static", "/admin/static")

    def now_us(self) -> int:
        """Return the present, microseconds since the epoch."""
        return int(self._clock() * 1_000_000)

    async def show(self, visitor: Visitor, template: str, *, status: int = 200, form: str = "", **facts: object) -> Response:
        """Return a page. `form`: what its form is for (`ConsoleSessions.form_token`); such a page is sent as it is.

        A compressed page tells by its length what is in it (BREACH), so one with a token in it is not compressed.
        """
        token = await self.sessions.form_token(visitor.request, form) if form else ""
        frame = {
            "static": self.static.url,
            "icon": self._icon,
            "host": self._host,
            "who": visitor.administrator,
            "groups": navigation(visitor.administrator, self._resources, visitor.address.path),
            "here": visitor.address,
            "done": visitor.said,
            "csrf": token,
            "updated_us": self.now_us(),
        }
        return _answer(visitor.request, template, frame | facts, status, is_packed=not form)

    def bare(self, request: Request, *, status: int, title: str, message: str, way_out: tuple[str, str] | None = None) -> Response:
        """Return a page for whoever is not signed in: it says what is the matter and shows nothing else."""
        return self._stranger(request, "bare", status, title=title, message=message, way_out=way_out)

    def shared(self, request: Request, **facts: object) -> Response:
        """Return the page of a share link."""
        return self._stranger(request, "share", 200, **facts)

    def _stranger(self, request: Request, template: str, status: int, **facts: object) -> Response:
        own = {"static": self.static.url, "icon": self._icon, "host": self._host}
        return _answer(request, template, own | facts, status, is_packed=True)

    async def said_of(self, request: Request) -> str:
        """Return what the change before said of itself; "" where nothing, or where not we said it."""
        text, _, seal = request.cookies.get(_SAID_COOKIE, "").partition(".")
        if not text or seal != await self.sessions.form_token(request, f"{_SAID}\n{text}"):
            return ""
        try:
            return base64url.decode(text).decode()
        except ValueError:
            return ""

    async def go_on(self, request: Request, url: str, words: str) -> Response:
        """Send the browser on with a GET, where `words` are said once; they travel in a cookie that we sealed, never in an address."""
        text = base64url.encode(words[:500].encode())
        seal = await self.sessions.form_token(request, f"{_SAID}\n{text}")
        response = see_other(url)
        secure = request.url.scheme == "https"
        response.set_cookie(_SAID_COOKIE, f"{text}.{seal}", max_age=_SAID_S, path="/admin", httponly=True, samesite="strict", secure=secure)
        return response


def forget_said(response: Response) -> None:
    """Take back what was said once."""
    response.delete_cookie(_SAID_COOKIE, path="/admin", httponly=True, samesite="strict")


def see_other(url: str) -> Response:
    """Send the browser on with a GET."""
    return RedirectResponse(url, 303, headers=console_headers())


def console_headers() -> dict[str, str]:
    """Return what keeps a page from being framed, kept, sniffed or scripted."""
    return page_headers() | {"Content-Security-Policy": _POLICY}


def _answer(request: Request, template: str, facts: Mapping[str, object], status: int, *, is_packed: bool) -> Response:
    body = _ENVIRONMENT.get_template(f"{template}.html").render(facts).encode()
    headers = console_headers() | {"Vary": "Accept-Encoding, Cookie"}
    if is_packed and len(body) > _MIN_PACKED_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status, headers)
