"""The sign-in pages and a browser in front of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import SignInApp, running, sign_in_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SignInApp]:
    with running(sign_in_app(tmp_path, rate_limit_scale=1e6)) as served:
        yield served


@pytest.fixture
def browser(app: SignInApp) -> Iterator[FormBrowser]:
    with FormBrowser(app.url) as opened:
        yield opened
