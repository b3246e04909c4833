"""Render pages, each with the headers that keep it from being framed, cached, sniffed or scripted."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.config.settings import Settings
from server.origins import Callers
from server.pages.static_files import StaticFiles
from server.pages.wrapping import breaking_host, whole_words

TEMPLATES = Path(__file__).parent / "templates"

# No form-action: Chromium applies it to the redirect that answers the post, and would block `cursor://` and loopback callbacks.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # The pages' own <meta name=referrer content=same-origin> makes browsers send `Origin` with our forms; other sites get nothing.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()",
}


def page_headers(*, script: bool = False) -> dict[str, str]:
    """Return the headers of a page; `script` lets our own script files run, on the pages that need the passkey button."""
    headers = dict(_HEADERS)
    if script:
        headers["Content-Security-Policy"] = f"{_POLICY}; script-src 'self'"
    return headers


def plain(text: str) -> str:
    """Return `text` without control and direction-changing characters, so that no client's name can rearrange a page."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"))


def day(at: float) -> str:
    """Return the UTC date of epoch seconds as people write it."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y}"


# Knows no gateway, so that a process compiles each template once, however many gateways it opens.
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters.update(plain=plain, day=day, breaking_host=breaking_host, whole_words=whole_words)


class Pages:
    def __init__(self, settings: Settings) -> None:
        self.static = StaticFiles()
        self._base_url = settings.base_url
        self._host = settings.host
        self._callers = Callers(settings.base_url)

    def own_address(self, request: Request) -> str | None:
        """Return where this page is at our own origin, when it was opened under another name of this machine, else None.

        Cookies and passkeys belong to one name: `localhost` and `127.0.0.1` are two.
        """
        if self._callers.base_url_at(request.headers.get("host")) == self._base_url:
            return None
        query = request.scope["query_string"].decode("latin-1")
        return f"{self._base_url}{quote(request.scope['path'])}{'?' if query else ''}{query}"

    def render(
        self, template: str, *, status: int = 200, script: bool = False, headers: Mapping[str, str] | None = None, **facts: object
    ) -> HTMLResponse:
        """Return the page; every value is escaped by the template engine."""
        own = {"static": self.static.url, "host": self._host, "script": script}
        body = _ENVIRONMENT.get_template(f"{template}.html").render(own | facts)
        return HTMLResponse(body, status, headers=page_headers(script=script) | dict(headers or {}))

    def error(
        self,
        status: int,
        title: str,
        message: str,
        *,
        advice: str = "",
        action: tuple[str, str] | None = None,
        also: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """Return a page that says what happened and what to do; `action` and `also` are (text, address of our own)."""
        also = None if also == action else also
        return self.render("error", status=status, title=title, message=message, advice=advice, action=action, also=also, headers=headers)

    def nowhere(self) -> HTMLResponse:
        """Return the page for an address that is none of ours."""
        message = "There is no such page on this gateway. Check the address."
        return self.error(404, "Nothing here", message, action=("To the start page", "/"))


def see_other(url: str) -> Response:
    """Send the browser on with a GET (303: the password of the post is never repeated; RFC 9700 §4.12)."""
    return Response(status_code=303, headers=page_headers() | {"Location": url})
