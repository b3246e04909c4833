"""A browser at the console without a screen: keeps cookies as browsers do, and holds passkeys in software."""

from dataclasses import dataclass, field

import httpx2

from oauth.administration.appointments import Appointments
from oauth.administration.invites import Invites
from oauth.administration.roles import Role
from oauth.sign_in.passwords import Passwords
from server.app import Gateway
from tests.oauth.sign_in.software_authenticator import SoftwareAuthenticator
from tests.server.pages.form_browser import Form, forms_of

#: where the console of tests/gateway.py's NOWHERE is
ORIGIN = "http://localhost:9"


@dataclass
class ConsoleBrowser:
    """`key`: its authenticator, with one passkey."""

    gateway: Gateway
    key: SoftwareAuthenticator = field(default_factory=lambda: SoftwareAuthenticator(ORIGIN, counter=1, step=1))

    def __post_init__(self) -> None:
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.gateway.app), base_url=ORIGIN, timeout=20)

    @property
    def session(self) -> str | None:
        """The value of the session's cookie."""
        return self.http.cookies.get("ascend_console")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def form(self, path: str, place: int = 0) -> Form:
        page = await self.get(path)
        assert page.status_code == 200, (page.status_code, page.headers, page.text)
        return forms_of(page)[place]

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        """Post as a form on our own page would."""
        sent = {"origin": ORIGIN, "sec-fetch-site": "same-origin"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(path, data=fields, headers=sent)

    async def enrol(self, invite: str, name: str = "Laptop") -> httpx2.Response:
        """Open an invite and make a passkey."""
        form = await self.form(invite)
        answer = self.key.create(str(form.attributes["data-passkey-create"]))
        return await self.post(form.action, form.fields | {"passkey": answer, "name": name})

    async def use_passkey(self, path: str) -> httpx2.Response:
        """Answer the page at `path`, which asks for the passkey."""
        form = await self.form(path)
        return await self.post(form.action, form.fields | {"passkey": self.key.get(str(form.attributes["data-passkey-get"]))})

    async def sign_in(self) -> None:
        answer = await self.use_passkey("/admin/sign-in")
        assert answer.status_code == 303, answer.text

    async def is_in(self) -> bool:
        """Say whether the console takes this browser for somebody."""
        answer = await self.get("/admin/calls")
        assert answer.status_code in (200, 303), answer.text
        return answer.status_code == 200


async def person(gateway: Gateway, email: str, tenant_id: str = "default", role: Role | None = Role.OWNER) -> str:
    """Add somebody with a role, as commands do; return the subject."""
    subject = await Passwords(gateway.store.subjects).add_subject(tenant_id, email, None)
    if role is not None:
        await appointments(gateway).give(subject, role, "test")
    return subject.subject_id


def appointments(gateway: Gateway) -> Appointments:
    return Appointments(gateway.store.admin_roles, gateway.store.security_events)


async def invite(gateway: Gateway, email: str, tenant_id: str = "default") -> str:
    """Return the path of an invite, as `ascend admin invite` makes it."""
    found = await gateway.store.subjects.find_local(tenant_id, email)
    assert found is not None
    store = gateway.store
    return await Invites(store.admin_invites, store.admin_roles, store.subjects, store.security_events).make(found[0], "test")


async def signed_in(gateway: Gateway, email: str, tenant_id: str = "default", role: Role = Role.OWNER) -> ConsoleBrowser:
    """Return the browser of somebody new, signed in."""
    await person(gateway, email, tenant_id, role)
    browser = ConsoleBrowser(gateway)
    answer = await browser.enrol(await invite(gateway, email, tenant_id))
    assert answer.status_code == 303, answer.text
    return browser
