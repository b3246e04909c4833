"""Steps of a person who signs in by the provider `corp`."""

import asyncio
from typing import Any

import httpx2

from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.subjects import Subject
from tests.oauth.sign_in.loopback_provider import LoopbackProvider
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp


def set_up(app: SignInApp, provider: LoopbackProvider, slug: str = "corp", **settings: Any) -> None:
    facts: dict[str, Any] = {"admitted_domains": ("corp.example",)} | settings
    entry = IdentityProvider("default", slug, f"{slug.title()} SSO", provider.issuer, provider.client_id, **facts)
    asyncio.run(app.links.save_provider(entry))
    app.secrets[slug] = provider.client_secret


def go_away(browser: FormBrowser, slug: str = "corp") -> str:
    """Choose the provider on the sign-in page; return where its own site sends the browser back to."""
    answer = browser.submit(browser.open("/authorize"), provider=slug)
    assert answer.status_code == 303, answer.text
    back = httpx2.get(answer.headers["location"], follow_redirects=False, timeout=30)
    return back.headers["location"]


def sign_in(browser: FormBrowser, slug: str = "corp") -> httpx2.Response:
    return browser.get(go_away(browser, slug))


def people(app: SignInApp) -> list[Subject]:
    return [subject for subject in asyncio.run(app.subjects.of_tenant("default")) if subject.identity_provider]
