"""Who sits at the console: a session that a passkey or an identity provider opened, under a cookie of its own.

The cookie goes to `/admin` alone, so its name cannot begin with `__Host-`, which asks for the path `/` (RFC 6265bis §4.1.3.2); with
`__Secure-` a neighbouring host of the same domain could still put its own in (§8.6). Therefore a session holds only in the browser that
began it, which the `__Host-` cookie of every page of ours names. What may be done is read anew at each request.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oauth.administration.stores import AdminSession, AdminSessionStore, LiveAdminSession, Proof
from oauth.tenants import Tenants
from server.admin.administrators import Administrator, administrator_of_role
from server.audited import unaudited
from server.pages.browsers import Browsers, hash_of

#: operations contract, "Sign-in"; the idle end is the store's
ABSOLUTE_S = 12 * 3600
#: a session's last use is written at most this often
SEEN_EVERY_S = 60
PATH = "/admin"
MAX_ONWARD_CHARS = 4_096
#: below our own path, as it stands in an address: no other host, no step up, nothing that a browser reads otherwise (WHATWG URL §4.4)
_ONWARD = re.compile(r"/admin(?:/(?!(?:\.|%2[eE]){1,2}(?:[/?]|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")


class PasskeySessions(Browsers):
    """The console's sessions (server/admin/console/visitor.py). `origin`: that of the console (Settings.admin_url)."""

    def __init__(self, store: AdminSessionStore, tenants: Tenants, origin: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(origin)
        self._store, self._tenants, self._clock = store, tenants, clock
        self.session_cookie = f"{'__Secure-' if self.host_prefix else ''}ascend_console"

    async def administrator(self, request: Request) -> Administrator | None:
        """Return who is signed in to the console with this browser; None: nobody, or not any more."""
        live = await self.live(request)
        return None if live is None else administrator_of_role(live.role, live.email, live.session.proven_at)

    async def live(self, request: Request) -> LiveAdminSession | None:
        """Return the session of this browser, with what its person may as of now; looked for once a request."""
        if not hasattr(request.state, "console_session"):
            request.state.console_session = await self._found(request)
        found: LiveAdminSession | None = request.state.console_session
        return found

    async def _found(self, request: Request) -> LiveAdminSession | None:
        secret, browser = self.cookie(request, self.session_cookie), self.browser_of(request)
        if secret is None or browser is None:
            return None
        now = self._clock()
        found = await self._store.find(hash_of(secret), now)
        if found is None or found.session.browser_hash != browser or self._tenants.get(found.role.tenant_id) is None:
            return None
        # What the script of a page left open fetches by itself is no use by a person.
        if now - found.session.last_seen_at > SEEN_EVERY_S and request.headers.get("sec-fetch-dest") != "empty":
            with unaudited():
                await self._store.seen(found.session.session_hash, now)
        return found

    async def begin(self, request: Request, response: Response, proof: Proof) -> None:
        """Sign in whoever has proven who they are: a new cookie value, and the one before is dead (session fixation, RFC 9700 §4.7)."""
        now, secret = self._clock(), secrets.token_urlsafe(32)
        previous = self.cookie(request, self.session_cookie)
        session = AdminSession(
            session_hash=hash_of(secret),
            tenant_id=proof.tenant_id,
            subject_id=proof.subject_id,
            credential_id=proof.credential_id,
            identity_provider=proof.identity_provider,
            browser_hash=self.bind_browser(request, response),
            proven_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE_S,
        )
        await self._store.begin(session, None if previous is None else hash_of(previous))
        self.set_cookie(response, self.session_cookie, secret, ABSOLUTE_S, PATH)

    async def prove(self, response: Response, live: LiveAdminSession, proof: Proof) -> None:
        """Note that its person has just proven again who they are: under a new cookie value, and no longer than the session had."""
        now, secret = self._clock(), secrets.token_urlsafe(32)
        proven = replace(
            live.session,
            session_hash=hash_of(secret),
            credential_id=proof.credential_id,
            identity_provider=proof.identity_provider,
            proven_at=now,
            last_seen_at=now,
        )
        # Where all sessions were ended at this moment, none comes back by it: the page that follows asks to sign in.
        if await self._store.renew(proven, live.session.session_hash):
            self.set_cookie(response, self.session_cookie, secret, proven.expires_at - now, PATH)

    async def end(self, request: Request, response: Response) -> None:
        """Sign this browser out."""
        secret = self.cookie(request, self.session_cookie)
        if secret is not None:
            await self._store.end(hash_of(secret))
        self.drop_cookie(response, self.session_cookie, PATH)

    async def end_all(self, response: Response, live: LiveAdminSession) -> int:
        """Sign the person out everywhere, here too; return of how many sessions."""
        self.drop_cookie(response, self.session_cookie, PATH)
        return await self._store.end_all(live.session.tenant_id, live.session.subject_id)

    async def form_token(self, request: Request, purpose: str) -> str:
        """Return the token of one form: bound to this browser, to `purpose`, and to who is signed in."""
        return self.token_of_form(request, f"console\n{purpose}", _binding(await self.live(request)))

    async def check_form(self, request: Request, token: str, purpose: str) -> None:
        """Raise FormRefused unless the post comes from the page that we gave this browser and this person for `purpose`."""
        self.check_token_of_form(request, token, f"console\n{purpose}", _binding(await self.live(request)))

    def sign_in_url(self, onward: str) -> str:
        """Return where somebody signs in, to come back to `onward`."""
        return f"{PATH}/sign-in?{urlencode({'to': onward})}"

    def step_up_url(self, onward: str) -> str:
        """Return where somebody who is signed in proves once more who they are, to come back to `onward`."""
        return f"{PATH}/step-up?{urlencode({'to': onward})}"


def own_page(to: str | None) -> str:
    """Return `to` where it is a page of the console, else its first page: nobody is sent where an attacker says."""
    return to if to is not None and len(to) <= MAX_ONWARD_CHARS and _ONWARD.fullmatch(to) else PATH


def _binding(live: LiveAdminSession | None) -> str:
    return "" if live is None else f"{live.session.tenant_id}\n{live.session.subject_id}"
