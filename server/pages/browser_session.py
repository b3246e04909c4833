"""Who sits at the browser: the anonymous browser cookie, the session cookie, and the tokens that protect forms.

Two cookies. The browser cookie is set at the first visit and names the browser, signed in or not: an authorization request
finishes only where it began (RFC 9700 §4.7). The session cookie is set at sign-in, with a new value each time, and carries
one session for each tenant. Both hold 256 random bits; only their SHA-256 is kept.
"""

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
from server.pages.browsers import Browsers, hash_of

ABSOLUTE_S = 7 * 24 * 3600
#: a session's last use is written at most this often
SEEN_EVERY_S = 60


class BrowserSessions(Browsers):
    """The sessions of our pages, beside what is known of any browser."""

    def __init__(
        self, store: BrowserSessionStore, *, settings: Settings, clock: Callable[[], float] = time.time, absolute_s: float = ABSOLUTE_S
    ) -> None:
        super().__init__(settings.base_url)
        self._store = store
        self.session_cookie = f"{self.host_prefix}ascend_session"
        self._clock = clock
        self._absolute_s = absolute_s

    async def current(self, request: Request, tenant_id: str) -> BrowserSession | None:
        """Return who is signed in to the tenant with this browser; None: nobody, or not any more."""
        stored = await self.stored(request, tenant_id)
        return None if stored is None else as_session(stored)

    async def stored(self, request: Request, tenant_id: str) -> StoredSession | None:
        """Return the session as `current`, with its subject."""
        secret = self.cookie(request, self.session_cookie)
        if secret is None:
            return None
        now = self._clock()
        found = await self._store.find(hash_of(secret), tenant_id, now)
        if found is not None:
            acting(found.subject.email, tenant_id)
            if now - found.last_seen_at > SEEN_EVERY_S:
                with unaudited():
                    await self._store.seen(found.session_hash, tenant_id, now)
        return found

    async def all(self, request: Request) -> Sequence[BrowserSession]:
        """Return the session of every tenant that this browser is signed in to."""
        secret = self.cookie(request, self.session_cookie)
        return () if secret is None else tuple(as_session(each) for each in await self._store.of_cookie(hash_of(secret), self._clock()))

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
        previous_secret = self.cookie(request, self.session_cookie)
        previous_hash = None if previous_secret is None else hash_of(previous_secret)
        previous = None if previous_hash is None else await self._store.find(previous_hash, subject.tenant_id, now)
        same = previous is not None and previous.subject.subject_id == subject.subject_id
        secret = secrets.token_urlsafe(32)
        session = StoredSession(
            session_hash=hash_of(secret),
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
        self.set_cookie(response, self.session_cookie, secret, self._absolute_s)
        return as_session(session)

    async def end(self, request: Request, response: Response, tenant_id: str) -> None:
        """Sign out of one tenant; the cookie goes with the last of its sessions."""
        secret = self.cookie(request, self.session_cookie)
        if secret is None:
            return
        await self._store.end(hash_of(secret), tenant_id)
        if not await self._store.of_cookie(hash_of(secret), self._clock()):
            self.drop_cookie(response, self.session_cookie)

    async def end_others(self, request: Request, response: Response, session: StoredSession) -> None:
        """End every session of the subject; this browser's goes on under a new cookie value, no more recent than it was."""
        await self._store.end_all(session.tenant_id, session.subject.subject_id)
        secret = secrets.token_urlsafe(32)
        await self._store.begin(replace(session, session_hash=hash_of(secret)), session.session_hash)
        self.set_cookie(response, self.session_cookie, secret, session.expires_at - self._clock())

    async def csrf_token(self, request: Request, purpose: str, tenant_id: str | None = None) -> str:
        """Return the token of one form: bound to this browser, to `purpose`, and to the tenant's session where one is named."""
        return self.token_of_form(request, purpose, await self._binding(request, tenant_id))

    async def check_form(self, request: Request, token: str, purpose: str, tenant_id: str | None = None) -> None:
        """Raise FormRefused unless the post comes from the page that we gave this browser for `purpose`; CookiesMissing: no cookie."""
        self.check_token_of_form(request, token, purpose, await self._binding(request, tenant_id))

    async def _binding(self, request: Request, tenant_id: str | None) -> str:
        stored = None if tenant_id is None else await self.stored(request, tenant_id)
        return "" if stored is None else f"{stored.tenant_id}\n{stored.subject.subject_id}\n{stored.binding}"


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
