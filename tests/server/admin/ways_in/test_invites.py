"""An invite gives one person one passkey that opens the console, once, within an hour."""

import time
from dataclasses import replace

import pytest

from oauth.administration.invites import hash_of
from oauth.administration.roles import Role
from server.app import Gateway
from tests.oauth.sign_in.software_authenticator import USER_PRESENT, SoftwareAuthenticator
from tests.server.admin.ways_in.console_browser import ORIGIN, ConsoleBrowser, appointments, invite, person, signed_in


async def test_an_invite_is_the_way_in_and_the_passkey_the_way_back(gateway: Gateway) -> None:
    """Invite, passkey, console, sign-out, passkey, console."""
    subject = await person(gateway, "ops@example.com")
    browser = ConsoleBrowser(gateway)
    assert not await browser.is_in()
    answer = await browser.enrol(await invite(gateway, "ops@example.com"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    assert await browser.is_in()
    [passkey] = await gateway.store.passkeys.of_subject("default", subject)
    assert (passkey.counts, passkey.name) == (True, "Laptop")
    form = await browser.form("/admin/sign-out")
    assert (await browser.post(form.action, form.fields)).status_code == 303
    assert not await browser.is_in()
    await browser.sign_in()
    assert await browser.is_in()
    actions = [row.action for row in reversed(await gateway.store.audit_trail.rows())]
    assert actions == ["console enrol", "console sign_out", "console sign_in"]


async def test_looking_at_an_invite_spends_nothing_and_using_it_spends_it(gateway: Gateway) -> None:
    """Previews and scanners open links; a second passkey from one invite would be a stranger's."""
    await person(gateway, "ops@example.com")
    link, first, second = await invite(gateway, "ops@example.com"), ConsoleBrowser(gateway), ConsoleBrowser(gateway)
    for _ in range(3):
        assert (await second.get(link)).status_code == 200
    waiting = await second.form(link)
    answer = second.key.create(str(waiting.attributes["data-passkey-create"]))
    assert (await first.enrol(link)).status_code == 303
    assert (await second.post(waiting.action, waiting.fields | {"passkey": answer})).status_code == 404
    assert (await second.get(link)).status_code == 404
    assert not await second.is_in()


async def test_what_a_device_answers_wrongly_does_not_spend_the_invite(gateway: Gateway) -> None:
    """Else a cancelled prompt would lock out who was invited. Without user verification a found key would be enough."""
    await person(gateway, "ops@example.com")
    link = await invite(gateway, "ops@example.com")
    for key in (
        SoftwareAuthenticator(ORIGIN, flags=USER_PRESENT),
        SoftwareAuthenticator("http://127.0.0.1:9"),
        SoftwareAuthenticator(ORIGIN, rp_id="example.com"),
    ):
        browser = ConsoleBrowser(gateway, key)
        assert (await browser.enrol(link)).status_code == 400
        assert not await browser.is_in()
    assert (await ConsoleBrowser(gateway).enrol(link)).status_code == 303


async def test_a_newer_invite_a_lost_role_and_a_disabled_person_end_it(gateway: Gateway) -> None:
    """A link stays in a chat; who may come in is decided when it is opened."""
    for email in ("first@example.com", "second@example.com", "third@example.com", "stays@example.com"):
        await person(gateway, email)
    browser = ConsoleBrowser(gateway)
    replaced = await invite(gateway, "first@example.com")
    newer = await invite(gateway, "first@example.com")
    assert [(await browser.get(link)).status_code for link in (replaced, newer)] == [404, 200]

    revoked, disabled = await invite(gateway, "second@example.com"), await invite(gateway, "third@example.com")
    for email, link in (("second@example.com", revoked), ("third@example.com", disabled)):
        assert (await browser.get(link)).status_code == 200
        found = await gateway.store.subjects.find_local("default", email)
        assert found is not None
        if link is revoked:
            await appointments(gateway).take(found[0], "test")
        else:
            await gateway.store.subjects.save(replace(found[0], disabled=True))
        assert (await browser.get(link)).status_code == 404


async def test_an_invite_ends_after_an_hour_and_only_its_hash_is_kept(gateway: Gateway) -> None:
    await person(gateway, "ops@example.com")
    token = (await invite(gateway, "ops@example.com")).rpartition("/")[2]
    invites, now = gateway.store.admin_invites, time.time()
    found = await invites.find(hash_of(token), now + 3500)
    assert found is not None
    assert token not in repr(found)
    assert await invites.find(hash_of(token), now + 3601) is None
    assert await invites.find(token, now) is None
    assert await invites.sweep(now + 3601) == 1


async def test_a_challenge_serves_the_browser_and_the_invite_that_it_was_made_for(gateway: Gateway) -> None:
    """An answer that was overheard, or asked for with another invite, adds nothing."""
    await person(gateway, "ops@example.com")
    await person(gateway, "grace@example.com")
    mine, others = await invite(gateway, "ops@example.com"), await invite(gateway, "grace@example.com")
    victim, thief = ConsoleBrowser(gateway), ConsoleBrowser(gateway)
    theirs = await victim.form(mine)
    answer = victim.key.create(str(theirs.attributes["data-passkey-create"]))
    form = await thief.form(mine)
    assert (await thief.post(form.action, form.fields | {"passkey": answer})).status_code == 400
    form = await victim.form(others)
    own = victim.key.create(str((await victim.form(mine)).attributes["data-passkey-create"]))
    assert (await victim.post(form.action, form.fields | {"passkey": own})).status_code == 400
    assert (await thief.post(theirs.action, theirs.fields | {"passkey": answer})).status_code == 403
    assert not await thief.is_in()


async def test_a_second_invite_brings_a_second_device_and_the_first_one_stays(gateway: Gateway) -> None:
    """The way back for a lost device; the lost one is removed by itself."""
    laptop = await signed_in(gateway, "ops@example.com")
    phone = ConsoleBrowser(gateway)
    assert (await phone.enrol(await invite(gateway, "ops@example.com"))).status_code == 303
    assert await laptop.is_in()
    assert await phone.is_in()


@pytest.mark.parametrize("role", list(Role))
async def test_the_page_says_whom_it_makes_what(gateway: Gateway, role: Role) -> None:
    """Whoever is sent a stranger's invite sees that it is not theirs."""
    await person(gateway, "ada@acme.test", "acme", role)
    page = (await ConsoleBrowser(gateway).get(await invite(gateway, "ada@acme.test", "acme"))).text
    assert f"as {role.title} of" in page
    assert "Acme" in page
    assert "ada@<wbr>acme.<wbr>test" in page or "ada@acme.test" in page
