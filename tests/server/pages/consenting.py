"""A person on the way to a code."""

from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import PASSWORD
from tests.server.pages.stand_in_requests import EMAIL


def consent_page(browser: FormBrowser, path: str = "/authorize") -> httpx2.Response:
    answer = browser.submit(browser.open(path), email=EMAIL, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    page = browser.open(answer.headers["location"])
    assert page.url.path == "/consent"
    return page


def code_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
