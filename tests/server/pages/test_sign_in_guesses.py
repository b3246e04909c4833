"""Guesses of passwords are held up, and nobody is locked out by them."""

import re
from pathlib import Path

from server.rate_limits import LIMITS, Limit, RateLimits
from tests.server.pages.form_browser import FormBrowser
from tests.server.pages.sign_in_app import PASSWORD, SignInApp, running, sign_in_app
from tests.server.pages.stand_in_requests import EMAIL


def test_wrong_passwords_run_into_a_limit_that_locks_nobody_out(tmp_path: Path) -> None:
    """C19: 429 with Retry-After; the right password still works from elsewhere."""
    with running(sign_in_app(tmp_path)) as app, FormBrowser(app.url) as browser:
        page = browser.open("/login")
        codes = [browser.submit(page, email=EMAIL, password="wrong").status_code for _ in range(20)]
        assert codes == [400] * 10 + [429] * 10
        assert int(browser.submit(page, email=EMAIL, password=PASSWORD).headers["retry-after"]) >= 1
        with FormBrowser(app.url, address="127.0.0.2") as elsewhere:
            assert elsewhere.submit(elsewhere.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_guesses_from_everywhere_hold_up_strangers_but_not_the_person(tmp_path: Path) -> None:
    """C19: a limit over all addresses, which a browser that the person has used before does not share."""
    app = sign_in_app(tmp_path)
    app.limits = RateLimits(limits={**LIMITS, "login_subject": Limit(1, 5)})
    with running(app), FormBrowser(app.url) as home:
        home.submit(home.open("/login"), email=EMAIL, password=PASSWORD)
        codes = []
        for number in range(3, 11):
            with FormBrowser(app.url, address=f"127.0.0.{number}") as guesser:
                codes.append(guesser.submit(guesser.open("/login"), email=EMAIL, password="wrong").status_code)
        assert codes == [400] * 5 + [429] * 3
        assert home.submit(home.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_guesses_from_an_address_of_many_people_do_not_close_sign_in_for_the_others(tmp_path: Path) -> None:
    """Behind a proxy that nobody declared all come from one address: 41 guesses of one closed sign-in for all."""
    with running(sign_in_app(tmp_path)) as app:
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            codes = [attacker.submit(page, email=f"n{number}@example.com", password="wrong").status_code for number in range(45)]
            assert codes == [400] * 45
            last = [attacker.submit(page, email="n1@example.com", password="wrong").status_code for _ in range(6)]
            assert last == [400] * 3 + [429] * 3
        with FormBrowser(app.url) as person:
            assert person.submit(person.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            assert 429 in [attacker.submit(page, email=EMAIL, password="wrong").status_code for _ in range(12)]


def test_the_sign_in_page_never_closes_behind_an_address_of_many(tmp_path: Path) -> None:
    """Where somebody uses the limit of pages up it is shown without what would be kept for it."""
    app = sign_in_app(tmp_path)
    app.limits = RateLimits(limits={**LIMITS, "page_address": Limit(1, 2), "page_crowd": Limit(1, 2)})
    with running(app), FormBrowser(app.url) as attacker:
        assert {attacker.get("/login").status_code for _ in range(10)} == {200}
        with FormBrowser(app.url) as person:
            assert person.submit(person.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303


def test_a_browser_that_the_person_has_used_is_not_held_up_by_guesses_from_the_same_address(tmp_path: Path) -> None:
    with running(sign_in_app(tmp_path)) as app, FormBrowser(app.url) as home:
        home.submit(home.open("/login"), email=EMAIL, password=PASSWORD)
        with FormBrowser(app.url) as attacker:
            page = attacker.open("/login")
            assert 429 in [attacker.submit(page, email=EMAIL, password="wrong").status_code for _ in range(60)]
        assert home.submit(home.open("/login"), email=EMAIL, password=PASSWORD).status_code == 303
        page = home.open("/login")
        assert 429 in [home.submit(page, email=EMAIL, password="wrong").status_code for _ in range(15)]


def test_unknown_and_known_people_get_the_same_answer(app: SignInApp, browser: FormBrowser) -> None:
    """C20: status and body; the e-mail that was typed is all that differs."""
    app.add_person("bob@example.com")
    page = browser.open("/login")
    bodies = set()
    for email in (EMAIL, "nobody@example.com", "not an address", "x" * 300 + "@example.com"):
        answer = browser.submit(page, email=email, password="wrong")
        assert answer.status_code == 400
        bodies.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(bodies) == 1
