"""What opens doors takes the passkey once more: a browser that was left open is not enough (RFC 9470)."""

import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from oauth.administration.roles import Role
from oauth.clients.client import Client
from server.app import Gateway
from tests.server.admin.ways_in.console_browser import ConsoleBrowser, signed_in
from tests.server.admin.ways_in.test_sessions import subject_of
from tests.server.pages.form_browser import forms_of

ADD = "/admin/people?change=add"


async def grows_old(gateway: Gateway, email: str, by_s: float = 601) -> None:
    """Have the proof of everybody's sessions lie back."""
    subject = await subject_of(gateway, email)
    sessions = gateway.store.admin_sessions
    for session in await sessions.of_subject("default", subject.subject_id, time.time()):
        await sessions.begin(replace(session, proven_at=session.proven_at - by_s), session.session_hash)


async def fill_in(browser: ConsoleBrowser, path: str, **fields: str) -> tuple[int, str]:
    """Send the form at `path`; return how it was answered and where it leads."""
    form = await browser.form(path)
    answer = await browser.post(form.action, form.fields | fields)
    return answer.status_code, answer.headers.get("location", "")


async def test_an_old_proof_leads_to_the_passkey_and_the_form_comes_back_as_it_was(gateway: Gateway) -> None:
    """What was typed is not typed again; nothing happens before the form is sent once more."""
    browser = await signed_in(gateway, "ops@example.com")
    form = await browser.form(ADD)
    await grows_old(gateway, "ops@example.com")
    answer = await browser.post(form.action, form.fields | {"email": "grace+1@example.com", "role": "operator"})
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith("/admin/step-up?to=")
    assert await gateway.store.subjects.find_local("default", "grace+1@example.com") is None
    before = browser.session
    proven = await browser.use_passkey(location)
    assert proven.status_code == 303
    assert browser.session != before
    [back] = parse_qs(urlsplit(location).query)["to"]
    assert proven.headers["location"] == back
    again = await browser.get(back)
    assert 'value="grace+1@example.com"' in again.text
    done = await browser.post(forms_of(again)[0].action, forms_of(again)[0].fields | {"role": "operator"})
    assert done.status_code == 200
    assert "/admin/invite/" in done.text


async def test_a_fresh_proof_is_enough(gateway: Gateway) -> None:
    browser = await signed_in(gateway, "ops@example.com")
    await grows_old(gateway, "ops@example.com", by_s=590)
    assert (await fill_in(browser, ADD, email="grace@example.com", role="auditor"))[0] == 200


async def test_what_ends_all_of_somebodys_takes_the_passkey_once_more(gateway: Gateway) -> None:
    """Operations contract, "Sign-in": mass revocation, and a whole tenant. Whoever finds a browser left open ends nothing."""
    browser, grace = await signed_in(gateway, "ops@example.com"), await signed_in(gateway, "grace@example.com")
    await gateway.store.clients.save(Client("cursor", "registered", "Cursor", (), 1.0))
    key = f"default:{(await subject_of(gateway, 'grace@example.com')).subject_id}"
    await grows_old(gateway, "ops@example.com")
    for path in (
        f"people/{key}?change=disable",
        f"people/{key}?change=end_everything",
        "clients/cursor?change=revoke",
        "tenants/acme?change=suspend",
    ):
        answer = await browser.get(f"/admin/{path}")
        assert answer.headers.get("location", "").startswith("/admin/step-up?to="), (path, answer.status_code)
    assert await grace.is_in()


async def test_a_step_up_lengthens_no_session(gateway: Gateway) -> None:
    """Twelve hours are twelve hours."""
    browser, subject = await signed_in(gateway, "ops@example.com"), await subject_of(gateway, "ops@example.com")
    sessions = gateway.store.admin_sessions
    [before] = await sessions.of_subject("default", subject.subject_id, time.time())
    assert (await browser.use_passkey("/admin/step-up")).status_code == 303
    [after] = await sessions.of_subject("default", subject.subject_id, time.time())
    assert abs(after.expires_at - before.expires_at) < 1
    assert after.proven_at >= before.proven_at
    assert await sessions.find(before.session_hash, time.time()) is None


async def test_a_session_that_ended_meanwhile_does_not_come_back_by_a_step_up(gateway: Gateway) -> None:
    """Somebody ends everything while the page with the passkey is open, or between its answer and ours."""
    browser, subject = await signed_in(gateway, "ops@example.com"), await subject_of(gateway, "ops@example.com")
    sessions = gateway.store.admin_sessions
    [session] = await sessions.of_subject("default", subject.subject_id, time.time())
    form = await browser.form("/admin/step-up")
    await sessions.end_all("default", subject.subject_id)
    answer = browser.key.get(str(form.attributes["data-passkey-get"]))
    assert (await browser.post(form.action, form.fields | {"passkey": answer})).headers["location"].startswith("/admin/sign-in")
    assert not await sessions.renew(replace(session, session_hash="new"), session.session_hash)
    assert await sessions.of_subject("default", subject.subject_id, time.time()) == []


async def test_somebody_elses_passkey_proves_nothing(gateway: Gateway) -> None:
    """Two administrators at one desk: a step-up is by the person of the session."""
    mine, theirs = await signed_in(gateway, "ops@example.com"), await signed_in(gateway, "grace@example.com")
    await grows_old(gateway, "ops@example.com")
    mine.key = theirs.key
    assert (await mine.use_passkey("/admin/step-up")).status_code == 400
    form = await theirs.form("/admin/step-up")
    answer = theirs.key.get(str(form.attributes["data-passkey-get"]))
    own = await mine.form("/admin/step-up")
    assert (await mine.post(own.action, own.fields | {"passkey": answer})).status_code == 400
    assert (await mine.get(ADD)).headers["location"].startswith("/admin/step-up")


async def test_an_answer_to_a_sign_in_is_none_to_a_step_up(gateway: Gateway) -> None:
    """Each challenge has its purpose."""
    browser = await signed_in(gateway, "ops@example.com")
    answer = browser.key.get(str((await browser.form("/admin/sign-in")).attributes["data-passkey-get"]))
    form = await browser.form("/admin/step-up")
    assert (await browser.post(form.action, form.fields | {"passkey": answer})).status_code == 400


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.test/",
        "//evil.test",
        "/admin/\\evil",
        "/admin//evil.test",
        "/admin/../login",
        "/account",
        "/adminx",
        "javascript:1",
        "",
    ],
)
@pytest.mark.parametrize("page", ["sign-in", "step-up"])
async def test_nobody_is_sent_elsewhere(gateway: Gateway, page: str, to: str) -> None:
    """`to` is a page of the console or is not followed (RFC 9700 §4.11: no open redirector)."""
    browser = await signed_in(gateway, "ops@example.com")
    asked = await browser.http.get(f"/admin/{page}", params={"to": to})
    form = forms_of(asked)[0]
    assert form.fields["to"] == "/admin"
    answer = browser.key.get(str(form.attributes["data-passkey-get"]))
    sent = await browser.post(form.action, form.fields | {"passkey": answer, "to": to})
    assert sent.status_code in (303, 403)
    assert sent.headers.get("location", "/admin") == "/admin"


async def test_whoever_is_nobody_is_asked_to_sign_in_first(gateway: Gateway) -> None:
    answer = await ConsoleBrowser(gateway).get("/admin/step-up?to=/admin/people")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in?to=%2Fadmin%2Fpeople")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
async def test_no_proof_makes_somebody_more_than_they_are(gateway: Gateway, role: Role) -> None:
    """A step-up proves who, not what."""
    browser = await signed_in(gateway, "ops@example.com", role=role)
    assert (await browser.get(ADD)).status_code == 403
