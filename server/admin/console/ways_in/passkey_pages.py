"""What pages have in common that let somebody into the console: how often they may be asked, and what a sign-in leaves behind."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from oauth.administration.console_passkeys import ConsolePasskeys
from oauth.administration.stores import Proof
from oauth.audit import SecurityAction, SecurityEvent
from oauth.sign_in.subjects import Subject
from oauth.stores import AuditLog
from oauth.tenants import Tenants
from server.admin.console.session import PasskeySessions
from server.audited import acting
from server.pages.page import Pages
from server.rate_limits import RateLimits, address_key


class WayIn:
    """The parts of such pages; each of them is a class of its own."""

    def __init__(
        self,
        *,
        sessions: PasskeySessions,
        tenants: Tenants,
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`pages`: those of the console's origin."""
        self._sessions, self._tenants = sessions, tenants
        self._audit, self._pages, self._limits, self._clock = audit, pages, limits, clock

    async def _begin(self, request: Request, response: Response, subject: Subject, proof: Proof, method: str) -> None:
        """Begin a session in `response`, and put on record how."""
        acting(subject.email, subject.tenant_id)
        await self._sessions.begin(request, response, proof)
        await self._note("sign_in", subject.tenant_id, subject.subject_id, method=method, address=address_of(request))

    async def _note(self, action: SecurityAction, tenant_id: str, subject_id: str, **facts: str) -> None:
        await self._audit.record(SecurityEvent(action, self._clock(), tenant_id, subject_id, facts={"at": "console", **facts}))


class PasskeyPages(WayIn):
    """Pages that let somebody in by a passkey."""

    def __init__(
        self,
        *,
        sessions: PasskeySessions,
        passkeys: ConsolePasskeys,
        tenants: Tenants,
        audit: AuditLog,
        pages: Pages,
        limits: RateLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(sessions=sessions, tenants=tenants, audit=audit, pages=pages, limits=limits, clock=clock)
        self._passkeys = passkeys


def address_of(request: Request) -> str:
    """Return what counts as one caller."""
    return address_key(request.client.host if request.client else None)
