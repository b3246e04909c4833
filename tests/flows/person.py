"""A person with a browser, as plain HTTP: follows redirects, keeps cookies, fills in the forms of our pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

MAX_STEPS = 12


@dataclass
class Form:
    """The one `<form method=post>` of a page: where it goes and what it carries."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)


class FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method", "").lower() == "post":
            self._open = Form(values.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and values.get("type") == "checkbox" and ("checked" not in values or "disabled" in values):
            return  # as a browser: what has no tick, or cannot be changed, is not sent
        elif self._open is not None and tag == "input" and values.get("name"):
            self._open.fields[values["name"]] = values.get("value", "")
        elif self._open is not None and tag == "button" and values.get("name") == "decision":
            self._open.decisions.append(values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass
class Person:
    """Someone with an e-mail address and a password.

    `decision` is what they answer to a consent page, `owner_id` who they are at the demo CRM; `leaves_out` the scopes that they
    take the tick away from, consent by consent.
    """

    email: str
    password: str
    decision: str = "allow"
    owner_id: str = ""
    pages: list[str] = field(default_factory=list)
    leaves_out: list[set[str]] = field(default_factory=list)
    #: what they type into other fields of our pages, such as a key, by the field's name
    typed: dict[str, str] = field(default_factory=dict)

    async def finish(self, authorization_url: str) -> None:
        """Walk from `authorization_url` to the end, and deliver the answer to the client that waits for it on loopback."""
        callback = dict(parse_qsl(urlsplit(authorization_url).query))["redirect_uri"]
        arrived = await self.authorize(authorization_url, callback)
        async with httpx2.AsyncClient(timeout=20) as browser:
            response = await browser.get(callback, params=arrived)
        assert response.status_code < 400, response.text

    async def authorize(self, authorization_url: str, redirect_prefix: str) -> dict[str, str]:
        """Walk from `authorization_url` until the browser would leave for `redirect_prefix`; return what it carries there."""
        async with httpx2.AsyncClient(timeout=20) as browser:
            target = await self.walk(browser, authorization_url, lambda url: url.startswith(redirect_prefix))
        assert target.startswith(redirect_prefix), f"no redirect to {redirect_prefix}; last page: {target[:600]}"
        return dict(parse_qsl(urlsplit(target).query))

    async def walk(self, browser: httpx2.AsyncClient, url: str, leaves: Callable[[str], bool] = lambda _url: False) -> str:
        """Open `url` and answer page after page; return the first address that `leaves` wants, unopened, or the last page.

        The last one has no form, or says that something went wrong.
        """
        response = await browser.get(url)
        for _ in range(MAX_STEPS):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["location"])
                if leaves(target):
                    return target
                response = await browser.get(target)
                continue
            self.pages.append(response.text)
            reader = FormReader()
            reader.feed(response.text)
            if not reader.forms or response.status_code != 200:
                return response.text
            (form,) = reader.forms
            response = await self._submit(browser, response, form)
        raise AssertionError(f"no end after {MAX_STEPS} steps: {response.text[:600]}")

    async def _submit(self, browser: httpx2.AsyncClient, response: httpx2.Response, form: Form) -> httpx2.Response:
        fields = dict(form.fields)
        if "password" in fields:
            fields |= {"email": self.email, "password": self.password}
        fields |= {name: text for name, text in self.typed.items() if name in fields}
        if form.decisions:
            fields["decision"] = self.decision
            for scope in self.leaves_out.pop(0) if self.leaves_out else ():
                del fields[f"scope:{scope}"]
            fields |= {"owner_id": self.owner_id} if self.owner_id else {}
        target = urljoin(str(response.url), form.action) if form.action else str(response.url)
        parts = urlsplit(target)
        return await browser.post(target, data=fields, headers={"origin": f"{parts.scheme}://{parts.netloc}"})
