"""One identity provider, and a gateway whose default tenant signs people in by it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.oauth.sign_in.loopback_provider import LoopbackProvider, running_provider
from tests.server.federation.corp import set_up
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp, running, sign_in_app


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with running_provider() as served:
        yield served


@pytest.fixture
def app(tmp_path: Path, provider: LoopbackProvider) -> Iterator[SignInApp]:
    """A gateway that admits everybody at corp.example."""
    made = sign_in_app(tmp_path, rate_limit_scale=1e6)
    made.tenants.replace([replace(tenant, sign_in=frozenset({"password", "federation"})) for tenant in made.tenants.all()])
    set_up(made, provider)
    with running(made) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened
