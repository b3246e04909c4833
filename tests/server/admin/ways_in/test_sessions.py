"""A session of the console holds for its person, role, passkey and browser, and for no longer than any of them."""

import time
from dataclasses import replace

from oauth.administration.roles import Role
from oauth.sign_in.stores import Passkey
from oauth.sign_in.subjects import Subject
from server.app import Gateway
from tests.gateway import save_tenant
from tests.server.admin.ways_in.console_browser import ORIGIN, ConsoleBrowser, appointments, invite, person, signed_in
from tests.server.pages.form_browser import forms_of


async def subject_of(gateway: Gateway, email: str, tenant_id: str = "default") -> Subject:
    found = await gateway.store.subjects.find_local(tenant_id, email)
    assert found is not None
    return found[0]


async def passkey_of(gateway: Gateway, email: str) -> Passkey:
    subject = await subject_of(gateway, email)
    [passkey] = await gateway.store.passkeys.of_subject("default", subject.subject_id)
    return passkey


async def test_who_is_disabled_loses_the_role_or_the_passkey_is_out_at_once(gateway: Gateway) -> None:
    """Operations contract: read anew at each request, so that nothing has to be remembered to be ended."""
    await person(gateway, "owner@example.com")
    by_way_of = {}
    for name in ("disabled", "revoked", "removed"):
        by_way_of[name] = await signed_in(gateway, f"{name}@example.com")
        assert await by_way_of[name].is_in()
    subject = await subject_of(gateway, "disabled@example.com")
    await gateway.store.subjects.save(replace(subject, disabled=True))
    await appointments(gateway).take(await subject_of(gateway, "revoked@example.com"), "test")
    passkey = await passkey_of(gateway, "removed@example.com")
    await gateway.store.passkeys.remove("default", passkey.subject_id, passkey.credential_id)
    assert not any([await browser.is_in() for browser in by_way_of.values()])
    # Nor does it come back with them.
    await gateway.store.subjects.save(replace(subject, disabled=False))
    await appointments(gateway).give(await subject_of(gateway, "revoked@example.com"), Role.OWNER, "test")
    assert not any([await browser.is_in() for browser in by_way_of.values()])


async def test_a_suspended_tenant_has_no_administrators(gateway: Gateway) -> None:
    """Suspended looks like unknown, here as everywhere."""
    browser = await signed_in(gateway, "ada@acme.test", "acme")
    assert await browser.is_in()
    [acme] = [each for each in await gateway.store.tenants.all() if each.tenant_id == "acme"]
    await save_tenant(gateway, replace(acme, suspended=True))
    assert not await browser.is_in()
    assert (await browser.use_passkey("/admin/sign-in")).status_code == 400


async def test_a_session_ends_when_idle_for_half_an_hour_and_after_twelve_hours_in_any_case(gateway: Gateway) -> None:
    """Operations contract, "Sign-in"."""
    browser = await signed_in(gateway, "ops@example.com")
    sessions, subject = gateway.store.admin_sessions, await subject_of(gateway, "ops@example.com")
    begun = time.time()
    [session] = await sessions.of_subject("default", subject.subject_id, begun)
    assert await sessions.find(session.session_hash, begun + 1_790) is not None
    assert await sessions.find(session.session_hash, begun + 1_801) is None
    await sessions.seen(session.session_hash, begun + 12 * 3_600 - 100)
    assert await sessions.find(session.session_hash, begun + 12 * 3_600 - 50) is not None
    assert await sessions.find(session.session_hash, begun + 12 * 3_600 + 1) is None
    assert await sessions.sweep(begun + 12 * 3_600 + 1) == 1
    assert not await browser.is_in()


async def test_what_a_page_fetches_by_itself_keeps_nobody_signed_in(gateway: Gateway) -> None:
    """A page that is left open asks for itself again and again."""
    browser = await signed_in(gateway, "ops@example.com")
    sessions, subject = gateway.store.admin_sessions, await subject_of(gateway, "ops@example.com")

    async def seen() -> float:
        [session] = await sessions.of_subject("default", subject.subject_id, time.time())
        return session.last_seen_at

    [session] = await sessions.of_subject("default", subject.subject_id, time.time())
    long_ago = time.time() - 600
    await sessions.seen(session.session_hash, long_ago)
    assert (await browser.get("/admin/calls", sec_fetch_dest="empty")).status_code == 200
    assert abs(await seen() - long_ago) < 1
    assert (await browser.get("/admin/calls", sec_fetch_dest="document")).status_code == 200
    assert await seen() > long_ago + 500


async def test_signing_in_takes_a_new_value_and_the_one_before_is_dead(gateway: Gateway) -> None:
    """Session fixation (RFC 9700 §4.7): a value that somebody knew before says nothing afterwards."""
    browser = await signed_in(gateway, "ops@example.com")
    before = browser.session
    await browser.sign_in()
    assert before != browser.session
    for planted in (before, "A" * 43):
        other = ConsoleBrowser(gateway)
        other.http.cookies.update(browser.http.cookies)
        other.http.cookies.delete("ascend_console")
        other.http.cookies.set("ascend_console", planted or "")
        assert not await other.is_in()
    fresh = ConsoleBrowser(gateway, browser.key)
    fresh.http.cookies.set("ascend_console", "A" * 43, domain="localhost.local", path="/admin")
    await fresh.sign_in()
    assert "A" * 43 not in [cookie.value for cookie in fresh.http.cookies.jar]


async def test_a_session_is_of_the_browser_that_began_it(gateway: Gateway) -> None:
    """A neighbouring host can put a cookie of that name into somebody's browser, but not the one that names the browser."""
    thief, victim = await signed_in(gateway, "thief@example.com"), ConsoleBrowser(gateway)
    await victim.get("/admin/sign-in")
    victim.http.cookies.set("ascend_console", thief.session or "")
    assert not await victim.is_in()
    assert await thief.is_in()


async def test_the_cookie_goes_to_the_console_alone_and_no_script_reads_it(gateway: Gateway) -> None:
    """RFC 6265bis §4.1: nothing outside /admin, no other site's form, no script has any use of it."""
    await person(gateway, "ops@example.com")
    answer = await ConsoleBrowser(gateway).enrol(await invite(gateway, "ops@example.com"))
    [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("ascend_console=")]
    attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"path=/admin", "httponly", "samesite=lax"} <= attributes


async def test_signing_out_everywhere_ends_every_browser(gateway: Gateway) -> None:
    laptop = await signed_in(gateway, "ops@example.com")
    phone = ConsoleBrowser(gateway)
    await phone.enrol(await invite(gateway, "ops@example.com"))
    form = forms_of(await phone.get("/admin/sign-out"))[0]
    assert form.buttons == [("everywhere", "1")]
    assert (await phone.post(form.action, form.fields | {"everywhere": "1"})).status_code == 303
    assert not await phone.is_in()
    assert not await laptop.is_in()


async def test_a_form_from_another_site_another_browser_or_another_person_does_nothing(gateway: Gateway) -> None:
    """CSRF: who is signed in is not enough."""
    mine, other = await signed_in(gateway, "ops@example.com"), await signed_in(gateway, "grace@example.com")
    form = await mine.form("/admin/sign-out")
    theirs = await other.form("/admin/sign-out")
    assert (await mine.post(form.action, form.fields, origin="https://evil.test")).status_code == 403
    assert (await mine.post(form.action, form.fields, sec_fetch_site="cross-site")).status_code == 403
    assert (await mine.post(form.action, theirs.fields)).status_code == 403
    assert (await mine.post(form.action, {"everywhere": "1"})).status_code == 403
    assert await mine.is_in()


async def test_a_passkey_of_ones_account_opens_nothing_here(gateway: Gateway) -> None:
    """Who has the password can add one there; it would make the password enough after all (facts: operations §5)."""
    browser = await signed_in(gateway, "ops@example.com")
    passkey = await passkey_of(gateway, "ops@example.com")
    await gateway.store.passkeys.remove("default", passkey.subject_id, passkey.credential_id)
    await gateway.store.passkeys.add(replace(passkey, counts=False, sign_count=0))
    answer = await browser.use_passkey("/admin/sign-in")
    assert answer.status_code == 400
    assert "This passkey does not open the console" in answer.text
    assert not await browser.is_in()


async def test_an_answer_serves_once_and_only_the_browser_that_was_asked(gateway: Gateway) -> None:
    """Replay, and an answer that was asked for by another browser."""
    browser = await signed_in(gateway, "ops@example.com")
    form = await browser.form("/admin/sign-in")
    answer = browser.key.get(str(form.attributes["data-passkey-get"]))
    thief = ConsoleBrowser(gateway)
    own = await thief.form("/admin/sign-in")
    assert (await thief.post(own.action, own.fields | {"passkey": answer})).status_code == 400
    assert (await browser.post(form.action, form.fields | {"passkey": answer})).status_code == 400
    await browser.sign_in()
    form = await browser.form("/admin/sign-in")
    answer = browser.key.get(str(form.attributes["data-passkey-get"]))
    assert [(await browser.post(form.action, form.fields | {"passkey": answer})).status_code for _ in range(2)] == [303, 400]


async def test_at_the_address_of_this_machine_the_console_leads_to_its_name(gateway: Gateway) -> None:
    """Passkeys belong to names: on 127.0.0.1 no browser makes one."""
    answer = await ConsoleBrowser(gateway).http.get("http://127.0.0.1:9/admin/sign-in?to=/admin/calls")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ORIGIN}/admin/sign-in?to=/admin/calls")
