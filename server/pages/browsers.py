"""What is known of a browser, signed in or not: its anonymous cookie, and the tokens that protect its forms.

The cookie is set at the first visit and holds 256 random bits; only their SHA-256 is kept. What begins in a browser finishes only
there (RFC 9700 §4.7).
"""

import hashlib
import hmac
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

BROWSER_COOKIE_S = 180 * 24 * 3600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class FormRefused(Exception):
    """A form post does not come from a page that we gave this browser; the message says why."""


class CookiesMissing(FormRefused):
    """The browser sends none of our cookies, so it keeps none, or never had the page that the form was on."""


class Browsers:
    """The browsers that come to one origin of ours."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._secure = origin.startswith("https://")
        #: browsers take a cookie of such a name from this very host alone (RFC 6265bis §4.1.3.2)
        self.host_prefix = "__Host-" if self._secure else ""
        self.browser_cookie = f"{self.host_prefix}ascend_browser"

    def browser_of(self, request: Request) -> str | None:
        """Return the hash that names this browser; None at its first visit."""
        secret = self.cookie(request, self.browser_cookie)
        return None if secret is None else hash_of(secret)

    def browser_hash(self, request: Request) -> str:
        """Return the hash that names this browser, also when `bind_browser` has yet to give it the cookie."""
        return hash_of(self._browser_secret(request))

    def bind_browser(self, request: Request, response: Response) -> str:
        """Return the hash that names this browser, and give it the cookie where it has none."""
        secret = self._browser_secret(request)
        if self.cookie(request, self.browser_cookie) is None:
            self.set_cookie(response, self.browser_cookie, secret, BROWSER_COOKIE_S)
        return hash_of(secret)

    def token_of_form(self, request: Request, purpose: str, binding: str = "") -> str:
        """Return the token of one form: bound to this browser, to `purpose`, and to `binding`.

        The key is the browser's own secret, which no page and no other site can read; nothing needs to be kept.
        """
        return _token(self._browser_secret(request), purpose, binding)

    def check_token_of_form(self, request: Request, token: str, purpose: str, binding: str = "") -> None:
        """Raise FormRefused unless the post comes from the page that we gave this browser for `purpose`; CookiesMissing: no cookie."""
        self.check_origin(request)
        secret = self.cookie(request, self.browser_cookie)
        if secret is None:
            raise CookiesMissing("this browser sent no cookie with the form")
        if not hmac.compare_digest(_token(secret, purpose, binding).encode(), token.encode()):
            raise FormRefused("this form belongs to another browser or to a session that has ended; open the page again")

    def check_origin(self, request: Request) -> None:
        """Raise FormRefused where the browser says that the post comes from another site, or will not say which."""
        origin = request.headers.get("origin")
        if origin is not None and origin != self._origin:
            raise FormRefused(f"this form was sent from another site; open {self._origin} itself")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise FormRefused("this form was sent from another site; open the page here and send it again")

    def cookie(self, request: Request, name: str) -> str | None:
        """Return the secret in a cookie of ours; None where there is none, or it has not the shape of one."""
        value = request.cookies.get(name)
        return value if value is not None and _SECRET.fullmatch(value) else None

    def set_cookie(self, response: Response, name: str, value: str, max_age_s: float, path: str = "/") -> None:
        """Give the browser a secret that no script reads and no other site's form brings along."""
        response.set_cookie(name, value, max_age=round(max_age_s), path=path, secure=self._secure, httponly=True, samesite="lax")

    def drop_cookie(self, response: Response, name: str, path: str = "/") -> None:
        """Have the browser forget a cookie of ours."""
        response.delete_cookie(name, path=path, secure=self._secure, httponly=True, samesite="lax")

    def _browser_secret(self, request: Request) -> str:
        kept = self.cookie(request, self.browser_cookie)
        if kept is not None:
            return kept
        if not hasattr(request.state, "new_browser"):
            request.state.new_browser = secrets.token_urlsafe(32)
        fresh: str = request.state.new_browser
        return fresh


def hash_of(secret: str) -> str:
    """Return what is kept of a cookie's value."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(secret: str, purpose: str, binding: str) -> str:
    return hmac.new(secret.encode(), f"csrf\n{purpose}\n{binding}".encode(), hashlib.sha256).hexdigest()
