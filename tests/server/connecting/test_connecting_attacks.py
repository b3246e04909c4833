"""Attacks on connecting accounts (shared facts, oauth-behaviour §11; RFC 9700 §4.4, §4.7; the coming BCP update on brokered consent)."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from oauth.connections.connecting.connect_flow import hash_of
from oauth.connections.upstream.registrations import UpstreamRegistration
from server.demo.provider import definition
from server.storage.schema.connection_tables import connect_flows
from tests.server.connecting.connection_world import ADA, BOB, CLIENT_SECRET, EVE, ConnectionWorld, connection_world, field, query_of

READ = frozenset({"crm.read"})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConnectionWorld]:
    async with connection_world(tmp_path) as world:
        yield world


async def nothing_is_connected(world: ConnectionWorld) -> None:
    assert await world.store.connections.load() == []
    assert world.crm.all() == []


async def test_a_link_opened_by_another_person_shows_and_does_nothing(world: ConnectionWorld) -> None:
    """E1, E2: phishing with one's own link, or a leaked one."""
    link = await world.needed(ADA)
    for other in (BOB, EVE):
        async with world.signed_in(other) as browser:
            page = await browser.get(link)
            # Eve is signed in to another tenant only: for this one she is nobody.
            assert page.status_code == (403 if other is BOB else 303)
            assert "Demo CRM" not in page.text
            assert (await browser.post(link, data={"csrf": "x"})).status_code == page.status_code
    await nothing_is_connected(world)
    events = await world.store.secrets.events("default", 9)
    assert ("sub_bob", "refused", "connect:crm") in [(event.actor, event.action, event.name) for event in events]


async def test_a_link_says_nothing_about_anybody(world: ConnectionWorld) -> None:
    """E4: no token, e-mail or tenant name in the address."""
    link = await world.needed(EVE)
    assert not any(word in link for word in ("globex", "ada", "crm", "@", "token"))


async def test_a_link_is_used_once(world: ConnectionWorld) -> None:
    """Replay."""
    link = await world.needed()
    await world.connect(link=link)
    async with world.signed_in(ADA) as browser:
        assert (await browser.get(link)).status_code == 404
        assert (await browser.post(link, data={"csrf": "x"})).status_code == 404


async def test_an_unknown_or_expired_link_looks_the_same(world: ConnectionWorld) -> None:
    """Nothing is said about other people's flows."""
    expired = await world.needed()
    flow = await world.store.connect_flows.get(hash_of(expired.rpartition("/")[2]))
    assert flow
    async with world.store.database.write() as connection:
        await connection.execute(connect_flows.update().values(expires_at=0))
    async with world.signed_in(ADA) as browser:
        pages = [await browser.get(url) for url in (expired, f"{world.url}/connect/{'x' * 43}")]
    assert [page.status_code for page in pages] == [404, 404]
    assert pages[0].text == pages[1].text


async def test_the_form_needs_its_token(world: ConnectionWorld) -> None:
    """CSRF on the connect page."""
    link = await world.needed()
    async with world.signed_in(ADA) as browser:
        await browser.get(link)
        assert (await browser.post(link, data={"csrf": "guess"})).status_code == 403
        page = await browser.get(link)
        foreign = await browser.post(link, data={"csrf": field(page.text, "csrf")}, headers={"origin": "https://evil.example"})
        assert foreign.status_code == 403
    await nothing_is_connected(world)


async def test_a_callback_in_another_browser_is_refused_and_its_code_not_redeemed(world: ConnectionWorld) -> None:
    """E5, E13: login CSRF into an account of the attacker's, session fixation."""
    async with world.signed_in(ADA) as browser, world.signed_in(ADA) as other:
        begun = await world.begin(browser, await world.needed())
        back = await world.consent(browser, begun.headers["location"])
        assert (await other.get(back)).status_code == 403
        # Consumed by the attempt: the first browser has to begin anew, the code stays worthless.
        assert (await browser.get(back)).status_code == 403
    await nothing_is_connected(world)


async def test_a_callback_with_another_person_signed_in_is_refused(world: ConnectionWorld) -> None:
    """E5: the session is looked at again, not only the cookie of the trip."""
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed())
        back = await world.consent(browser, begun.headers["location"])
        await browser.get(f"{world.url}/test/sign-in/default/sub_bob")
        assert (await browser.get(back)).status_code == 403
    await nothing_is_connected(world)


@pytest.mark.parametrize("state", [None, "", "x" * 43, "reused"])
async def test_a_wrong_missing_or_reused_state_is_refused(world: ConnectionWorld, state: str | None) -> None:
    """E5."""
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed())
        answer = dict(query_of(await world.consent(browser, begun.headers["location"])))
        at = f"{world.url}/connect/callback/default/crm"
        if state == "reused":
            shown = await browser.get(at, params=answer)
            grants = len(world.crm.all())
            again = await browser.get(at, params=answer)
            # The browser that was answered loads its page again; nothing is redeemed, and nobody else sees it (CL33f).
            assert (shown.status_code, again.status_code, again.text) == (200, 200, shown.text)
            async with world.signed_in(ADA) as other:
                assert (await other.get(at, params=answer)).status_code == 403
            await browser.get(f"{world.url}/test/sign-in/default/sub_bob")
            assert (await browser.get(at, params=answer)).status_code == 403
            assert len(world.crm.all()) == grants
            return
        given = {name: value for name, value in {**answer, "state": state}.items() if value is not None}
        assert (await browser.get(at, params=given)).status_code == 403
    await nothing_is_connected(world)


async def test_a_state_twice_in_the_answer_counts_as_none(world: ConnectionWorld) -> None:
    """RFC 6749 §3.1: parameters must not repeat."""
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed())
        back = await world.consent(browser, begun.headers["location"])
        assert (await browser.get(f"{back}&{urlencode({'state': 'x'})}")).status_code == 403
    await nothing_is_connected(world)


@pytest.mark.parametrize("path", ["/connect/callback/globex/crm", "/connect/callback/default/hubspot", "/connect/callback/nowhere/crm"])
async def test_an_answer_at_the_callback_of_another_tenant_or_provider_is_refused(world: ConnectionWorld, path: str) -> None:
    """E5 and mix-up (RFC 9700 §4.4): one callback address for each tenant and provider."""
    async with world.signed_in(ADA) as browser:
        await browser.get(f"{world.url}/test/sign-in/globex/sub_ada")
        begun = await world.begin(browser, await world.needed())
        back = await world.consent(browser, begun.headers["location"])
        assert (await browser.get(back.replace("/connect/callback/default/crm", path))).status_code == 403
    await nothing_is_connected(world)


@pytest.mark.parametrize("fault", ["wrong_issuer", "omit_issuer"])
async def test_an_answer_from_another_issuer_is_refused(world: ConnectionWorld, fault: str) -> None:
    """E7 (RFC 9207 §2.4)."""
    setattr(world.faults, fault, True)
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed())
        assert (await browser.get(await world.consent(browser, begun.headers["location"]))).status_code == 403
    await nothing_is_connected(world)


async def test_where_to_go_after_connecting_cannot_be_said_from_outside(world: ConnectionWorld) -> None:
    """E10: open redirect."""
    link = await world.needed()
    evil = urlencode({"next": "https://evil.example", "return_to": "https://evil.example", "redirect_uri": "https://evil.example"})
    async with world.signed_in(ADA) as browser:
        page = await browser.get(f"{link}?{evil}")
        begun = await browser.post(f"{link}?{evil}", data={"csrf": field(page.text, "csrf"), "next": "https://evil.example"})
        assert begun.headers["location"].startswith(f"{world.crm_url}/oauth/authorize?")
        assert "evil" not in begun.headers["location"]
        done = await browser.get(f"{await world.consent(browser, begun.headers['location'])}&{evil}")
    assert "evil" not in done.text
    assert "location" not in done.headers


async def test_a_tenants_own_registration_serves_nobody_else(world: ConnectionWorld) -> None:
    """E14: tenant B uses tenant A's application."""
    own = UpstreamRegistration("default", "secretcrm", "ascend", definition(world.crm_url, "secretcrm"))
    await world.connections.registrations.add(own, CLIENT_SECRET, "operator")
    assert world.connections.registrations.find("globex", "secretcrm") is None
    assert await world.connections.registrations.application("globex", "secretcrm", "default") is None
    async with world.signed_in(EVE) as browser:
        link = await world.needed(EVE, provider="secretcrm")
        page = await browser.get(link)
        assert world.crm_url not in page.text
        assert (await browser.post(link, data={"csrf": field(page.text, "csrf")})).status_code in (400, 404)
    await nothing_is_connected(world)


async def test_an_account_of_one_tenant_is_nowhere_in_another(world: ConnectionWorld) -> None:
    """Issue 6: token of tenant A in tenant B's call; the subject's id is the same on purpose."""
    await world.connect(ADA)
    [account] = world.connections.known.of_provider(ADA, "crm")
    assert world.connections.known.of_provider(EVE, "crm") == ()
    assert await world.store.connections.get("globex", account.account_id) is None
    link = await world.connections.links.link(EVE, "crm", READ, account.account_id)
    await world.connect(EVE, link=link)
    assert len(world.connections.known.of_provider(ADA, "crm")) == 1
    assert world.connections.known.of_provider(EVE, "crm")[0].account_id != account.account_id


async def test_no_secret_is_in_pages_logs_errors_or_on_disk(world: ConnectionWorld, caplog: pytest.LogCaptureFixture) -> None:
    """E11 and issue 6: secrets absent from logs, spans, errors, pages, dumps."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # the test's own browser
    page = await world.connect()
    credential = await world.connections.known.for_call(ADA, "crm", READ, None)
    world.faults.refresh_error = "invalid_grant"
    await world.store.connections.ask_refresh("default", credential.account_id, 0)
    await world.connections.refresher.refresh_due()
    async with world.signed_in(ADA) as browser:
        listed = await browser.get(f"{world.url}/connections")
    async with world.store.database.read() as connection:
        verifiers = [row.trip for row in await connection.execute(select(connect_flows))]
    assert verifiers == [None]
    dump = b"".join(path.read_bytes() for path in world.data_dir.iterdir() if path.is_file() and path.name != "vault.kek")
    seen = (page.text + listed.text + caplog.text + repr(credential) + repr(world.connections)).encode() + dump
    for grant in world.crm.all():
        for secret in (credential.secret, grant.refresh_token, CLIENT_SECRET):
            assert secret.encode() not in seen
