"""Connecting an account: from a call that needs one, over our page and the provider's consent, to the call that goes through."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from oauth.authorization.request import BrowserSession
from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from oauth.connections.errors import FlowRefused
from oauth.connections.provider import known_definitions
from oauth.connections.upstream.registrations import UpstreamRegistration
from server.demo.provider import definition
from server.storage.workflows.schedules.schedules import SqlScheduleStore
from tests.server.connecting.connection_world import ADA, BOB, CLIENT_SECRET, ConnectionWorld, connection_world, field, query_of
from tools.sources.key_parts import KeyPart
from tools.workflows.stores import ActsFor

READ = frozenset({"crm.read"})


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ConnectionWorld]:
    async with connection_world(tmp_path) as world:
        yield world


async def test_a_call_that_needs_an_account_goes_through_after_the_person_connected_one(world: ConnectionWorld) -> None:
    """Issue 6: ask -> link -> consent -> answer."""
    link = await world.needed()
    async with world.browser() as browser:
        # 1. nobody is signed in: the link alone opens nothing
        first = await browser.get(link)
        assert (first.status_code, first.headers["location"].split("?")[0]) == (303, "/login")
        # 2. signed in, the page says what is asked, in words, and where it leads
        await browser.get(f"{world.url}/test/sign-in/default/sub_ada")
        page = await browser.get(link)
        assert "Connect <bdi>Demo CRM</bdi>" in page.text
        assert "See contacts, companies, deals and notes" in page.text
        assert "127.0.0.1" in page.text
        # 3. on to the provider, with PKCE, state and a callback of our own for this tenant and provider
        begun = await browser.post(link, data={"csrf": field(page.text, "csrf")})
        asked = query_of(begun.headers["location"])
        assert asked["redirect_uri"] == f"{world.url}/connect/callback/default/crm"
        assert (asked["code_challenge_method"], len(asked["state"]) >= 43, asked["scope"]) == ("S256", True, "crm.read")
        # 4. consent there, and back: the page names the account
        back = await world.consent(browser, begun.headers["location"], "own_3")
        done = await browser.get(back)
        assert "Aiko Tanaka, aiko@crm.example" in done.text
    # 5. the call goes through
    credential = await world.connections.known.for_call(ADA, "crm", READ, None)
    async with httpx2.AsyncClient(timeout=30) as caller:
        me = await caller.get(f"{world.crm_url}/owners/me", headers={"authorization": f"Bearer {credential.secret}"})
    assert me.json()["id"] == "own_3"
    assert world.connections.known.readiness(BOB, "crm", READ).status == "needs_auth"


async def test_a_second_account_stands_beside_the_first(world: ConnectionWorld) -> None:
    """Issue 6: connecting a second never overwrites the first; alias and default."""
    await world.connect(owner_id="own_1")
    link = await world.connections.links.link(ADA, "crm", READ)
    page = await world.connect(owner_id="own_2", link=link, alias="second")
    assert "second" in page.text
    accounts = world.connections.known.of_provider(ADA, "crm")
    assert [(account.alias, account.external_id, account.is_default) for account in accounts] == [
        ("Mara Lindqvist, mara@crm.example", "own_1", True),
        ("second", "own_2", False),
    ]
    first, second = [await world.connections.known.for_call(ADA, "crm", READ, name) for name in (None, "second")]
    assert first.secret != second.secret


async def test_an_alias_that_is_taken_gets_a_number(world: ConnectionWorld) -> None:
    """Issue 6: several accounts per provider."""
    await world.connect(owner_id="own_1", alias="work")
    await world.connect(owner_id="own_2", link=await world.connections.links.link(ADA, "crm", READ), alias="work")
    assert [account.alias for account in world.connections.known.of_provider(ADA, "crm")] == ["work", "work 2"]


async def test_connecting_the_same_account_again_renews_it(world: ConnectionWorld) -> None:
    """Issue 6: reconnect; more scopes are asked for where a call needs them."""
    await world.connect()
    wider = frozenset({"crm.read", "crm.write"})
    assert world.connections.known.readiness(ADA, "crm", wider).status == "missing_scope"
    await world.connect(link=await world.needed(scopes=wider))
    [account] = world.connections.known.of_provider(ADA, "crm")
    assert (account.version, account.scopes) == (2, wider)
    assert world.connections.known.readiness(ADA, "crm", wider).status == "ready"


async def test_another_account_than_was_meant_is_told_and_can_be_made_the_default(world: ConnectionWorld) -> None:
    """The request goes with the account that it went with before, so "the same request works now" would be untrue."""
    await world.connect(owner_id="own_1")
    wider = frozenset({"crm.read", "crm.write"})
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed(scopes=wider))
        done = await browser.get(await world.consent(browser, begun.headers["location"], "own_2"))
        assert "another account than <strong><bdi>Mara Lindqvist, mara@crm.example</bdi></strong>" in done.text
        assert "the same request works now" not in done.text
        assert world.connections.known.readiness(ADA, "crm", wider).status == "missing_scope"
        form = {name: field(done.text, name) for name in ("csrf", "action", "provider", "account")}
        chosen = await browser.post(f"{world.url}/connections", data=form)
        assert chosen.headers["location"] == "/connections?done=default"
    assert world.connections.known.readiness(ADA, "crm", wider).status == "ready"


async def test_an_account_that_a_request_names_is_not_helped_by_another_default(world: ConnectionWorld) -> None:
    """Only what a request without a name goes with is offered to be changed."""
    await world.connect(owner_id="own_1", alias="first")
    await world.connect(owner_id="own_2", link=await world.connections.links.link(ADA, "crm", READ), alias="second")
    second = world.connections.known.of_provider(ADA, "crm")[1]
    link = await world.connections.links.link(ADA, "crm", READ, second.account_id)
    done = await world.connect(owner_id="own_3", link=link)
    assert "A request that names that one still uses it" in done.text
    assert "<form" not in done.text.partition("<main")[2]


async def test_what_was_asked_for_and_not_allowed_is_told(world: ConnectionWorld) -> None:
    """RFC 6749 §3.3: a provider may grant less than was asked for; the call would ask again."""
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed(scopes=frozenset({"crm.read", "crm.write"})))
        narrowed = begun.headers["location"].replace("crm.read+crm.write", "crm.read")
        done = await browser.get(await world.consent(browser, narrowed))
    assert "asked for and not allowed there: <strong><bdi>Create, change and delete them" in done.text
    assert "the same request works now" not in done.text


async def test_a_denied_consent_connects_nothing_and_the_link_serves_again(world: ConnectionWorld) -> None:
    """RFC 6749 §4.1.2.1."""
    link = await world.needed()
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, link)
        refused = await browser.get(await world.consent(browser, begun.headers["location"], decision="deny"))
        assert (refused.status_code, "was not allowed at Demo CRM" in refused.text) == (400, True)
        again = await world.begin(browser, link)
        done = await browser.get(await world.consent(browser, again.headers["location"]))
        assert done.status_code == 200
    assert world.connections.known.readiness(ADA, "crm", READ).status == "ready"


async def test_a_provider_that_does_not_answer_is_said_so(world: ConnectionWorld) -> None:
    """Issue 6: a real provider with injected faults."""
    async with world.signed_in(ADA) as browser:
        begun = await world.begin(browser, await world.needed())
        back = await world.consent(browser, begun.headers["location"])
        world.faults.unavailable = 1
        answer = await browser.get(back)
    assert (answer.status_code, "http_503" in answer.text) == (502, True)
    assert world.connections.known.of_provider(ADA, "crm") == ()


async def test_a_key_is_connected_on_the_page_where_a_provider_takes_keys(world: ConnectionWorld) -> None:
    """Issue 6: static secrets."""
    link = await world.needed(provider="weather", scopes=frozenset())
    async with world.signed_in(ADA) as browser:
        page = await browser.get(link)
        assert 'type="password"' in page.text
        done = await browser.post(link, data={"csrf": field(page.text, "csrf"), "secret": " k-weather-1 ", "alias": "mine"})
        assert done.status_code == 200
        assert "k-weather-1" not in done.text
        # Nobody has tried the key: it may be wrong.
        assert "the first call shows whether <bdi>weather</bdi> takes the key" in done.text
        assert "works now" not in done.text
    credential = await world.connections.known.for_call(ADA, "weather", frozenset(), None)
    assert (credential.kind, credential.secret, credential.alias) == ("api_key", "k-weather-1", "mine")


async def test_what_is_read_by_itself_is_said_and_stopped_where_it_was_connected(world: ConnectionWorld) -> None:
    """On the page after connecting and on the person's connections; by whoever's account it is."""
    link = await world.needed(provider="gong", scopes=frozenset())
    schedules = SqlScheduleStore(world.store.database)
    async with world.signed_in(ADA) as browser:
        page = await browser.get(link)
        given = {"csrf": field(page.text, "csrf"), "username": "K", "secret": "s"}
        done = await browser.post(link, data=given)
        assert "Gong is read every 15 minutes into what everybody here can ask for" in done.text
        assert "Nothing is read in the first two minutes" in done.text
        stopping = {"csrf": field(done.text, "csrf"), "action": "stop-reading", "provider": "gong"}
        stopped = await browser.post(f"{world.url}/connections", data=stopping)
        assert (stopped.status_code, stopped.headers["location"]) == (303, "/connections?done=stopped")
        paused = await schedules.get("default", "gong-ingest")
        assert paused is not None
        assert paused.is_paused
        shown = await browser.get(f"{world.url}/connections?done=stopped")
        assert "Nothing is read there any more" in shown.text
        assert "Read Gong again" in shown.text
        await browser.post(f"{world.url}/connections", data={**stopping, "csrf": field(shown.text, "csrf"), "action": "read-on"})
        again = await schedules.get("default", "gong-ingest")
        assert again is not None
        assert not again.is_paused
        # Once it is read with somebody else's account, it is theirs to say.
        await schedules.put(replace(again, acts_for=ActsFor("sub_bob", frozenset({"mcp", "gong:read"}))))
        refused = await browser.post(f"{world.url}/connections", data={**stopping, "csrf": field(shown.text, "csrf")})
        assert (refused.status_code, "somebody else" in refused.text) == (400, True)
        assert "Do not read Gong" not in (await browser.get(f"{world.url}/connections")).text
    async with world.signed_in(BOB) as browser:
        page = await browser.get(f"{world.url}/connections")
        crm = await browser.post(
            f"{world.url}/connections", data={"csrf": field(page.text, "csrf"), "action": "stop-reading", "provider": "gong"}
        )
        assert (crm.status_code, "no account of your own" in crm.text) == (400, True)


PLAID = (
    KeyPart("clientId", "PLAID-CLIENT-ID", "header"),
    KeyPart("secret", "PLAID-SECRET", "header"),
    KeyPart("plaidVersion", "Plaid-Version", "header"),
)
KEYS = {"key:clientId": "client-5", "key:secret": " hush-hush ", "key:plaidVersion": "2020-09-14"}


async def test_an_account_of_several_keys_has_a_field_for_each(tmp_path: Path) -> None:
    """Issue 12, F13: client id, secret and version; half of them are no account, and nothing typed is shown again."""
    async with connection_world(tmp_path, keys=PLAID) as world:
        link = await world.needed(provider="plaid", scopes=frozenset())
        async with world.signed_in(ADA) as browser:
            page = await browser.get(link)
            assert re.findall(r'<label for="(key:[^"]+)">([^<]+)</label>', page.text) == [
                ("key:clientId", "Client id"),
                ("key:secret", "Secret"),
                ("key:plaidVersion", "Plaid version"),
            ]
            assert 'name="secret"' not in page.text
            csrf = field(page.text, "csrf")
            half = await browser.post(link, data={"csrf": csrf, **KEYS, "key:secret": "", "alias": "mine"})
            assert (half.status_code, "there is no Secret (header PLAID-SECRET)" in half.text, "client-5" in half.text) == (
                400,
                True,
                False,
            )
            split = await browser.post(link, data={"csrf": csrf, **KEYS, "key:clientId": "a\r\nX-Other: b"})
            assert (split.status_code, "control characters" in split.text) == (400, True)
            done = await browser.post(link, data={"csrf": csrf, **KEYS, "alias": "mine"})
            assert (done.status_code, "hush-hush" in done.text) == (200, False)
            again = await browser.post(link, data={"csrf": csrf, **KEYS, "alias": "mine"})
            assert "Key kept" in again.text
        found = await world.connections.known.for_call(ADA, "plaid", frozenset(), None)
        assert (found.kind, json.loads(found.secret)) == (
            "api_key",
            {"clientId": "client-5", "secret": "hush-hush", "plaidVersion": "2020-09-14"},
        )


async def test_all_keys_in_one_field_are_still_taken(tmp_path: Path) -> None:
    """A form that was made before, or by a script: the JSON object of all."""
    async with connection_world(tmp_path, keys=PLAID) as world:
        link = await world.needed(provider="plaid", scopes=frozenset())
        async with world.signed_in(ADA) as browser:
            page = await browser.get(link)
            whole = json.dumps({"clientId": "c", "secret": "s", "plaidVersion": "v"})
            done = await browser.post(link, data={"csrf": field(page.text, "csrf"), "secret": whole})
            assert done.status_code == 200
        assert (await world.connections.known.for_call(ADA, "plaid", frozenset(), None)).secret == whole


async def test_an_unregistered_provider_says_who_can_help(world: ConnectionWorld) -> None:
    """Errors name the way out."""
    connections = world.connections
    await connections.registrations.remove("", "crm", "operator")
    async with world.signed_in(ADA) as browser:
        page = await browser.get(await world.needed(provider="crm", scopes=READ))
    assert page.status_code == 200
    assert 'type="password"' in page.text  # nothing describes it any more: it takes a key


async def test_the_page_lists_renames_chooses_and_disconnects(world: ConnectionWorld) -> None:
    """Issue 6: a page for all of it under /connections."""
    await world.connect(owner_id="own_1", alias="first")
    await world.connect(owner_id="own_2", link=await world.connections.links.link(ADA, "crm", READ), alias="second")
    await add_key(
        world.store.connections,
        world.connections.vault,
        tenant_id="default",
        subject="",
        provider="crm",
        alias="shared",
        secret=ConnectionSecret("k"),
    )
    await world.connections.known.load()
    by_alias = {account.alias: account for account in world.connections.known.of_provider(ADA, "crm")}
    at = f"{world.url}/connections"
    async with world.signed_in(ADA) as browser:
        page = await browser.get(at)
        assert all(name in page.text for name in ("first", "second", "shared by everybody"))
        form = {"csrf": field(page.text, "csrf"), "provider": "crm", "account": by_alias["second"].account_id}
        renamed = await browser.post(at, data={**form, "action": "rename", "alias": "zweite"})
        assert renamed.headers["location"] == "/connections?done=renamed"
        assert (await browser.post(at, data={**form, "action": "rename", "alias": "first"})).status_code == 400
        await browser.post(at, data={**form, "action": "default"})
        assert world.connections.known.of_provider(ADA, "crm")[0].alias == "zweite"
        gone = await browser.post(at, data={**form, "action": "disconnect"})
        assert gone.headers["location"] == "/connections?done=disconnected"
        shared = {**form, "account": by_alias["shared"].account_id, "action": "disconnect"}
        assert (await browser.post(at, data=shared)).status_code == 404
    assert [grant.ended for grant in world.crm.all()] == [False, True]
    assert [account.alias for account in world.connections.known.of_provider(ADA, "crm")] == ["first", "shared"]


async def test_what_an_operation_needs_a_key_for_is_on_the_page_before_anybody_has_one(tmp_path: Path) -> None:
    """Issue 6, static secrets: an imported API with a key of its own is connected like any other; nobody registers anything for it."""
    async with connection_world(tmp_path, needed=("bakery",)) as world, world.signed_in(ADA) as browser:
        at = f"{world.url}/connections"
        page = await browser.get(at)
        assert "<bdi>bakery</bdi>" in page.text
        begun = await browser.post(at, data={"csrf": field(page.text, "csrf"), "action": "connect", "provider": "bakery"})
        assert 'type="password"' in (await browser.get(begun.headers["location"])).text


async def test_where_the_provider_cannot_be_told_the_page_says_where_to_remove_it(world: ConnectionWorld) -> None:
    """Issue 6, disconnect: honest where a vendor has no way; the address comes from the provider's file, not from the link."""
    described = {name: value for name, value in definition(world.crm_url).items() if name != "revoke"}
    described["remove_at"] = "https://crm.example/settings/apps"
    await world.connections.registrations.add(UpstreamRegistration("", "crm", "ascend", described), CLIENT_SECRET, "operator")
    await world.connect(alias="first")
    [account] = world.connections.known.of_provider(ADA, "crm")
    at = f"{world.url}/connections"
    async with world.signed_in(ADA) as browser:
        page = await browser.get(at)
        form = {"csrf": field(page.text, "csrf"), "provider": "crm", "account": account.account_id, "action": "disconnect"}
        gone = await browser.post(at, data=form)
        assert gone.headers["location"] == "/connections?done=forgotten&provider=crm"
        told = await browser.get(f"{at}?done=forgotten&provider=crm")
        assert 'href="https://crm.example/settings/apps"' in told.text
        for forged in ("nowhere", "https://evil.example", "../x", ""):
            other = await browser.get(at, params={"done": "forgotten", "provider": forged})
            assert (other.status_code, "evil.example" in other.text, "settings/apps" in other.text) == (200, False, False)


async def test_aws_keys_are_connected_on_the_page(world: ConnectionWorld) -> None:
    """Issue 6: static secrets, AWS SigV4 keys among them; no registration is needed."""
    link = await world.needed(provider="aws", scopes=frozenset())
    given = {"username": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI", "session_token": "FwoG", "region": "eu-west-1", "service": ""}
    async with world.signed_in(ADA) as browser:
        page = await browser.get(link)
        assert all(words in page.text for words in ("Access key id", "Secret access key", "Session token"))
        bad = await browser.post(link, data={"csrf": field(page.text, "csrf"), **given, "region": "eu west", "alias": "x"})
        assert (bad.status_code, "eu-central-1" in bad.text, "wJalr" in bad.text) == (400, True, False)
        done = await browser.post(link, data={"csrf": field(page.text, "csrf"), **given, "alias": "prod"})
        assert (done.status_code, "wJalr" in done.text) == (200, False)
    found = await world.connections.known.for_call(ADA, "aws", frozenset(), None)
    assert (found.kind, found.username, found.secret, found.session_token, found.region) == (
        "sigv4",
        "AKIDEXAMPLE",
        "wJalrXUtnFEMI",
        "FwoG",
        "eu-west-1",
    )
    assert not [secret for secret in ("wJalrXUtnFEMI", "FwoG") if secret in repr(found)]


async def test_a_machine_account_is_for_the_administrator_to_add(world: ConnectionWorld) -> None:
    """Issue 6: no person's consent, so the page offers no form and takes none."""
    machine = {**known_definitions()["client_credentials"], "id": "erp", "title": "ERP"}
    await world.connections.registrations.add(UpstreamRegistration("", "erp", "id", machine), "s", "operator")
    link = await world.needed(provider="erp", scopes=frozenset())
    async with world.signed_in(ADA) as browser:
        page = await browser.get(link)
        assert "ascend connection add erp" in page.text
        assert "<form" not in page.text.partition("<main")[2]
    async with world.signed_in(ADA) as browser:
        other = await browser.get(await world.needed(provider="weather", scopes=frozenset()))
        answer = await browser.post(link, data={"csrf": field(other.text, "csrf"), "secret": "k"})
        assert answer.status_code == 403
    handle = link.rpartition("/")[2]
    session = BrowserSession("session", ADA.tenant_id, ADA.subject, "ada@example.com", 0.0, ("password",))
    with pytest.raises(FlowRefused, match="as a machine account"):
        await world.connections.flows.take_key(handle, session, ConnectionSecret("k"), "")
    assert await world.store.connections.load() == []


async def test_the_page_changes_nothing_without_its_token_or_for_another_person(world: ConnectionWorld) -> None:
    """CSRF, and principal first."""
    await world.connect(alias="first")
    [account] = world.connections.known.of_provider(ADA, "crm")
    at, form = f"{world.url}/connections", {"provider": "crm", "account": account.account_id, "action": "disconnect"}
    async with world.signed_in(ADA) as browser, world.signed_in(BOB) as other:
        assert (await browser.post(at, data={**form, "csrf": "x"})).status_code == 403
        page = await other.get(at)
        assert "first" not in page.text
        assert (await other.post(at, data={**form, "csrf": field(page.text, "csrf")})).status_code == 404
    assert world.connections.known.readiness(ADA, "crm", READ).status == "ready"
