"""Why somebody is on the sign-in page, and the addresses that lead there and on."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from oauth.authorization.consent import session_suffices
from oauth.authorization.request import AuthorizationRequest, BrowserSession
from oauth.tenants import DEFAULT_TENANT, Tenant

#: our own pages that a sign-in may lead to; anything else in `next` is ignored
_ONWARD = re.compile(r"/(?:account|connect|connections|device|admin)(?:/[A-Za-z0-9_-]+)*(?:\?[A-Za-z0-9_=&-]*)?")


class PendingRequests(Protocol):
    """What sign-in asks of `oauth.authorization.consent.Consent`."""

    async def pending(self, request_id: str, browser: str) -> AuthorizationRequest | None: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A waiting authorization request of this browser, or a page of ours in `onward`."""

    tenant: Tenant
    request_id: str | None
    onward: str
    login_hint: str = ""
    #: the client wants the person asked, whoever is signed in somewhere (`prompt`)
    must_ask: bool = False
    pending: AuthorizationRequest | None = None

    @property
    def purpose(self) -> str:
        """What the page's form token is bound to."""
        return f"login\n{self.tenant.tenant_id}\n{self.request_id or self.onward}"

    @property
    def carried(self) -> dict[str, str]:
        """The fields that the page carries, so that the post is about the same thing."""
        if self.request_id is not None:
            return {"request": self.request_id}
        return {"tenant": self.tenant.tenant_id, "next": self.onward}

    @property
    def url(self) -> str:
        """The sign-in page for this visit."""
        return f"/login?{urlencode(self.carried)}"

    def suffices(self, session: BrowserSession, now: float) -> bool:
        """Say whether `session` may go on without a new sign-in."""
        return self.pending is None or session_suffices(self.pending, session, now)

    @property
    def next_url(self) -> str:
        """Where a signed-in person goes from here."""
        return self.onward if self.request_id is None else f"/consent?{urlencode({'request': self.request_id})}"


def account_url(tenant_id: str) -> str:
    """Return the address of a tenant's account page."""
    return "/account" if tenant_id == DEFAULT_TENANT else f"/account/{tenant_id}"


def connections_url(tenant_id: str) -> str:
    """Return the address of a tenant's connections page."""
    return "/connections" if tenant_id == DEFAULT_TENANT else f"/connections/{tenant_id}"


def sign_in_url(tenant_id: str, onward: str) -> str:
    """Return where a page of ours sends a person who is not signed in; `onward` is that page's own path."""
    return f"/login?{urlencode({'tenant': tenant_id, 'next': onward})}"


def own_page(onward: str | None, tenant_id: str) -> str:
    """Return `onward` where it is one of our pages, else the account page: nobody is sent where an attacker says."""
    return onward if onward is not None and _ONWARD.fullmatch(onward) else account_url(tenant_id)
