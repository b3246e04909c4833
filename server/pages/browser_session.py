"""Who sits at the browser: the anonymous browser cookie, the session cookie, and the tokens that protect forms.

Two cookies. The browser cookie is set at the first visit and names the browser, signed in or not: an authorization request
finishes only where it began (RFC 9700 §4.7). The session cookie is set at sign-in, with a new value each time, and carries
one session for each tenant. Both hold 256 random bits; only their SHA-256 is kept.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from oauth.authorization.request import BrowserSession
from oauth.sign_in.errors import InvalidInput
from oauth.sign_in.stores import BrowserSessionStore, StoredSession
from oauth.sign_in.subjects import Subject, normalize_email
from server.audited import acting, unaudited
from server.config.settings import Settings

ABSOLUTE_S = 7 * 24 * 3600
BROWSER_COOKIE_S = 180 * 24 * 3600
#: a session's last use is written at most this often
SEEN_EVERY_S = 60
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class FormRefused(Exception):
    """A form post does not come from a page that we gave this browser; the message says why."""


class CookiesMissing(FormRefused):
    """The browser sends none of our cookies, so it keeps none, or never had the page that the form was on."""


class BrowserSessions:
    def __init__(
        self, store: BrowserSessionStore, *, settings: Settings, clock: Callable[[], float] = time.time, absolute_s: float = ABSOLUTE_S
    ) -> None:
        self._store = store
        self._origin = settings.base_url
        self._secure = settings.base_url.startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self.browser_cookie = f"{prefix}ascend_browser"
        self.session_cookie = f"{prefix}ascend_session"
        self._clock = clock
        self._absolute_s = absolute_s

    def browser_of(self, request: Request) -> str | None:
        """Return the hash that names this browser; None at its first visit."""
        secret = self._cookie(request, self.browser_cookie)
        return None if secret is None else _hash(secret)

    def browser_hash(self, request: Request) -> str:
        """Return the hash that names this browser, also when `bind_browser` has yet to give it the cookie."""
        return _hash(self._browser_secret(request))

    def bind_browser(self, request: Request, response: Response) -> str:
        """Return the hash that names this browser, and give it the cookie where it has none."""
        secret = self._browser_secret(request)
        if self._cookie(request, self.browser_cookie) is None:
            self._set(response, self.browser_cookie, secret, BROWSER_COOKIE_S)
        return _hash(secret)

    async def current(self, request: Request, tenant_id: str) -> BrowserSession | None:
        """Return who is signed in to the tenant with this browser; None: nobody, or not any more."""
        stored = await self.stored(request, tenant_id)
        return None if stored is None else as_session(stored)

    async def stored(self, request: Request, tenant_id: str) -> StoredSession | None:
        """Return the session as `current`, with its subject."""
        secret = self._cookie(request, self.session_cookie)
        if secret is None:
            return None
        now = self._clock()
        found = await self._store.find(_hash(secret), tenant_id, now)
        if found is not None:
            acting(found.subject.email, tenant_id)
            if now - found.last_seen_at > SEEN_EVERY_S:
                with unaudited():
                    await self._store.seen(found.session_hash, tenant_id, now)
        return found

    async def all(self, request: Request) -> Sequence[BrowserSession]:
        """Return the session of every tenant that this browser is signed in to."""
        secret = self._cookie(request, self.session_cookie)
        return () if secret is None else tuple(as_session(each) for each in await self._store.of_cookie(_hash(secret), self._clock()))

    async def is_known_browser(self, request: Request, tenant_id: str, email: str) -> bool:
        """Say whether the person of this e-mail signed in with this browser in the last days: such a browser is never locked out."""
        browser = self.browser_of(request)
        try:
            return browser is not None and await self._store.knows_browser(tenant_id, normalize_email(email), browser, self._clock())
        except InvalidInput:
            return False

    async def begin(self, request: Request, response: Response, subject: Subject, methods: tuple[str, ...]) -> BrowserSession:
        """Sign `subject` in: a new cookie value, and the old one is dead (session fixation, RFC 9700 §4.7)."""
        now = self._clock()
        previous_secret = self._cookie(request, self.session_cookie)
        previous_hash = None if previous_secret is None else _hash(previous_secret)
        previous = None if previous_hash is None else await self._store.find(previous_hash, subject.tenant_id, now)
        same = previous is not None and previous.subject.subject_id == subject.subject_id
        secret = secrets.token_urlsafe(32)
        session = StoredSession(
            session_hash=_hash(secret),
            browser_hash=self.bind_browser(request, response),
            tenant_id=subject.tenant_id,
            subject=subject,
            # The same subject again: forms that are open in other tabs stay good.
            binding=previous.binding if same and previous else secrets.token_urlsafe(16),
            methods=methods,
            authenticated_at=now,
            last_seen_at=now,
            expires_at=now + self._absolute_s,
        )
        acting(subject.email, subject.tenant_id)
        await self._store.begin(session, previous_hash)
        self._set(response, self.session_cookie, secret, self._absolute_s)
        return as_session(session)

    async def end(self, request: Request, response: Response, tenant_id: str) -> None:
        """Sign out of one tenant; the cookie goes with the last of its sessions."""
        secret = self._cookie(request, self.session_cookie)
        if secret is None:
            return
        await self._store.end(_hash(secret), tenant_id)
        if not await self._store.of_cookie(_hash(secret), self._clock()):
            response.delete_cookie(self.session_cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    async def end_others(self, request: Request, response: Response, session: StoredSession) -> None:
        """End every session of the subject; this browser's goes on under a new cookie value, no more recent than it was."""
        await self._store.end_all(session.tenant_id, session.subject.subject_id)
        secret = secrets.token_urlsafe(32)
        await self._store.begin(replace(session, session_hash=_hash(secret)), session.session_hash)
        self._set(response, self.session_cookie, secret, session.expires_at - self._clock())

    async def csrf_token(self, request: Request, purpose: str, tenant_id: str | None = None) -> str:
        """Return the token of one form: bound to this browser, to `purpose`, and to the tenant's session where one is named.

        The key is the browser's own secret, which no page and no other site can read; nothing needs to be kept.
        """
        stored = None if tenant_id is None else await self.stored(request, tenant_id)
        return self._token(self._browser_secret(request), purpose, stored)

    async def check_form(self, request: Request, token: str, purpose: str, tenant_id: str | None = None) -> None:
        """Raise FormRefused unless the post comes from the page that we gave this browser for `purpose`; CookiesMissing: no cookie."""
        self.check_origin(request)
        secret = self._cookie(request, self.browser_cookie)
        stored = None if tenant_id is None else await self.stored(request, tenant_id)
        if secret is None:
            raise CookiesMissing("this browser sent no cookie with the form")
        if not hmac.compare_digest(self._token(secret, purpose, stored).encode(), token.encode()):
            raise FormRefused("this form belongs to another browser or to a session that has ended; open the page again")

    def check_origin(self, request: Request) -> None:
        """Raise FormRefused where the browser says that the post comes from another site, or will not say which."""
        origin = request.headers.get("origin")
        if origin is not None and origin != self._origin:
            raise FormRefused(f"this form was sent from another site; open {self._origin} itself")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise FormRefused("this form was sent from another site; open the page here and send it again")

    def _token(self, secret: str, purpose: str, stored: StoredSession | None) -> str:
        binding = "" if stored is None else f"{stored.tenant_id}\n{stored.subject.subject_id}\n{stored.binding}"
        return hmac.new(secret.encode(), f"csrf\n{purpose}\n{binding}".encode(), hashlib.sha256).hexdigest()

    def _browser_secret(self, request: Request) -> str:
        kept = self._cookie(request, self.browser_cookie)
        if kept is not None:
            return kept
        if not hasattr(request.state, "new_browser"):
            request.state.new_browser = secrets.token_urlsafe(32)
        fresh: str = request.state.new_browser
        return fresh

    def _cookie(self, request: Request, name: str) -> str | None:
        value = request.cookies.get(name)
        return value if value is not None and _SECRET.fullmatch(value) else None

    def _set(self, response: Response, name: str, value: str, max_age_s: float) -> None:
        response.set_cookie(name, value, max_age=round(max_age_s), path="/", secure=self._secure, httponly=True, samesite="lax")


def as_session(stored: StoredSession) -> BrowserSession:
    """Return what the authorization server needs to know of a session at rest."""
    return BrowserSession(
        session_id=stored.session_hash,
        tenant_id=stored.tenant_id,
        subject=stored.subject.subject_id,
        email=stored.subject.email,
        authenticated_at=stored.authenticated_at,
        methods=stored.methods,
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
