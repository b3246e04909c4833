"""Sign-in by node's oidc-provider, which we did not write: the whole way over HTTP, with its own pages."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest

from oauth.sign_in.identity_providers import IdentityProvider
from tests.conftest import REPOSITORY
from tests.ports import free_port
from tests.server.pages.form_browser import FormBrowser, forms_of
from tests.server.pages.sign_in_app import SignInApp, running, sign_in_app

MODULES = REPOSITORY / "node_modules"
SCRIPT = REPOSITORY / "tests" / "oauth" / "sign_in" / "oidc_provider.mjs"
SECRET = "of a test & long enough to sign with"
NODE = shutil.which("node", path=os.pathsep.join((str(MODULES / ".bin"), os.environ.get("PATH", ""))))
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(not (MODULES / "oidc-provider").is_dir(), reason="oidc-provider is not installed; run `make conformance`"),
]


@contextmanager
def provider_for(redirect_uri: str) -> Iterator[str]:
    """Run oidc-provider with one client, and yield its issuer."""
    port = free_port()
    command = [NODE or "", str(SCRIPT), str(port), "ascend", SECRET, redirect_uri]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "listening\n"
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    """A gateway whose default tenant signs people in by oidc-provider."""
    made = sign_in_app(tmp_path)
    made.tenants.replace([replace(tenant, sign_in=frozenset({"federation"})) for tenant in made.tenants.all()])
    made.secrets["node"] = SECRET
    with provider_for(f"{made.url}/login/callback/default/node") as issuer, running(made):
        entry = IdentityProvider("default", "node", "Node SSO", issuer, "ascend", admitted_domains=("corp.example",))
        asyncio.run(made.links.save_provider(entry))
        yield made


def answer_pages(person: httpx2.Client, address: str, home: str) -> str:
    """Click through the provider's own pages as `grace`; return the address that leads back to `home`."""
    answer = person.get(address)
    for _ in range(20):
        if answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if target.startswith(home):
                return target
            answer = person.get(target)
        else:
            [form, *_] = forms_of(answer)
            fields = {name: value or "grace" for name, value in form.fields.items()}
            answer = person.post(urljoin(str(answer.url), form.action), data=fields)
    raise AssertionError(f"no way back from {answer.url}")


def test_a_person_signs_in_twice_by_a_provider_that_we_did_not_write(app: SignInApp) -> None:
    """OpenID Connect Core: discovery, PKCE, iss, client_secret_basic, RS256, userinfo; the same subject each time."""
    with httpx2.Client(timeout=10) as person:
        for _ in range(2):
            with FormBrowser(app.url) as browser:
                away = browser.submit(browser.open("/authorize"), provider="node")
                assert away.status_code == 303, away.text
                back = browser.get(answer_pages(person, away.headers["location"], app.url))
                assert back.status_code == 303, back.text
                consent = browser.open(back.headers["location"])
                assert "grace@corp.example" in consent.text
                assert browser.submit(consent, decision="allow").status_code == 303
    [subject] = asyncio.run(app.subjects.of_tenant("default"))[1:]
    assert (subject.email, subject.display_name, subject.identity_provider) == ("grace@corp.example", "Person grace", "node")


def test_a_person_who_says_no_there_is_not_signed_in_here(app: SignInApp) -> None:
    """RFC 6749 §4.1.2.1: access_denied comes back and becomes a page."""
    with httpx2.Client(timeout=10) as person, FormBrowser(app.url) as browser:
        away = browser.submit(browser.open("/authorize"), provider="node")
        page = person.get(away.headers["location"], follow_redirects=True)
        back = person.get(f"{page.url}/abort")
        while not (target := urljoin(str(back.url), back.headers["location"])).startswith(app.url):
            back = person.get(target)
        answer = browser.get(target)
        assert answer.status_code == 403
        assert "did not sign you in" in answer.text
