"""A browser without a screen: keeps cookies, reads the forms of a page and posts them with the headers that browsers send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx2


@dataclass
class Form:
    action: str
    method: str
    attributes: dict[str, str | None]
    fields: dict[str, str] = field(default_factory=dict)
    #: submit buttons as (name, value)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append(Form(values.get("action") or "", (values.get("method") or "get").lower(), values))
        elif self.forms and tag == "input" and values.get("name"):
            self.forms[-1].fields[values["name"] or ""] = values.get("value") or ""
        elif self.forms and tag == "button" and values.get("type") == "submit" and values.get("name"):
            self.forms[-1].buttons.append((values["name"] or "", values.get("value") or ""))


def forms_of(page: httpx2.Response) -> list[Form]:
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


class FormBrowser:
    def __init__(self, url: str, address: str | None = None) -> None:
        """`address` is the loopback address that the browser calls from."""
        self.url = url
        self.client = httpx2.Client(base_url=url, timeout=10, transport=httpx2.HTTPTransport(local_address=address))

    def __enter__(self) -> "FormBrowser":
        return self

    def __exit__(self, *_exit: object) -> None:
        self.client.close()

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers, follow_redirects=False)

    def open(self, path: str) -> httpx2.Response:
        """Follow redirects to a page of ours."""
        page = self.get(path)
        while page.status_code in (302, 303) and (target := urljoin(str(page.url), page.headers["location"])).startswith(self.url):
            page = self.get(target)
        return page

    def post(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        """Post as a form on our own page would."""
        sent = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} | (headers or {})
        return self.client.post(path, data=fields, headers=sent, follow_redirects=False)

    def submit(self, page: httpx2.Response, *, form: int = 0, headers: dict[str, str] | None = None, **fields: Any) -> httpx2.Response:
        """Post a form of `page` with `fields` filled in."""
        found = forms_of(page)[form]
        return self.post(found.action, found.fields | fields, headers)
