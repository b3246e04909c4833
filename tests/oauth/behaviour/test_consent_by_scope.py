"""A person leaves out what they do not want to give: the token says what was given, refreshing keeps it, asking again is possible."""

import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.authorization.consent_choice import Choice, after, choose, left_out_before
from oauth.scopes import CONNECT, permits
from oauth.tokens.grant_records import RememberedConsent
from tests.oauth.behaviour.test_consent import DIRECT, WEB, go
from tests.oauth.gateway import OAuthGateway, Pkce, answer_of, form_of

WIDE = "mcp mcp:read mcp:write mcp:destructive offline_access"
SCOPES = ("mcp", "mcp:read", "mcp:write", "crm:read", "crm:write", "mail:write", "offline_access")


class Consenting:
    """One person at one browser, and the client that asks them."""

    def __init__(self, gate: OAuthGateway, browser: httpx2.AsyncClient, client: dict[str, Any]) -> None:
        self.gate, self.browser, self.client = gate, browser, client

    async def page(self, scope: str) -> httpx2.Response:
        """Return the consent page for `scope`."""
        self.pkce = Pkce()
        target = await go(self.browser, self.client, DIRECT, scope=scope, code_challenge=self.pkce.challenge, prompt="consent")
        return await self.browser.get(target)

    async def allow(self, page: httpx2.Response, without: frozenset[str] = frozenset(), *added: str) -> httpx2.Response:
        """Press Allow as a browser does: boxes without a tick are not sent, nor is one that is disabled."""
        ticked = {name for name, state in boxes(page.text).items() if "checked" in state and "disabled" not in state} - without
        kept = {name: value for name, value in form_of(page.text).items() if not name.startswith("scope:")}
        form = kept | {f"scope:{scope}": "1" for scope in [*ticked, *added]} | {"decision": "allow"}
        return await self.browser.post("/consent", data=form)

    async def tokens(self, answered: httpx2.Response) -> dict[str, Any]:
        code = answer_of(answered)["code"]
        reply: dict[str, Any] = (await self.gate.redeem(self.client["client_id"], code, self.pkce, redirect_uri=WEB)).json()
        return reply


def boxes(page: str) -> dict[str, str]:
    """Return the tag of every box, by its scope."""
    return {found[1]: found[0] for found in re.finditer(r'<input type="checkbox"[^>]*name="scope:([^"]+)"[^>]*>', page)}


@pytest.fixture
async def consenting(gate: OAuthGateway) -> Any:
    client = await gate.register(redirect_uris=[WEB])
    async with gate.browser() as browser:
        await gate.sign_in(browser)
        yield Consenting(gate, browser, client)


async def test_every_scope_has_a_tick_and_to_connect_is_fixed(consenting: Consenting) -> None:
    """Nothing that is asked for is hidden; what deletes is marked in words, not only by colour."""
    page = await consenting.page(WIDE)
    assert list(boxes(page.text)) == ["mcp", "mcp:read", "mcp:write", "mcp:destructive", "offline_access"]
    assert all("checked" in tag for tag in boxes(page.text).values())
    assert [scope for scope, tag in boxes(page.text).items() if "disabled" in tag] == ["mcp"]
    assert page.text.count("Destructive.") == 1


async def test_the_token_says_what_was_given_and_refreshing_keeps_it(consenting: Consenting) -> None:
    """RFC 6749 §3.3, §5.1, §6: `scope` of the answer differs from what was asked for, and stays."""
    gate = consenting.gate
    answered = await consenting.allow(await consenting.page(WIDE), frozenset({"mcp:write", "mcp:destructive"}))
    tokens = await consenting.tokens(answered)
    assert tokens["scope"] == "mcp mcp:read offline_access"
    client_id = consenting.client["client_id"]
    wider = await gate.token(
        grant_type="refresh_token", client_id=client_id, refresh_token=tokens["refresh_token"], scope="mcp mcp:read mcp:write"
    )
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    again = await gate.token(grant_type="refresh_token", client_id=client_id, refresh_token=tokens["refresh_token"])
    assert again.json()["scope"] == "mcp mcp:read offline_access"
    [grant] = await gate.grants.list_grants("default", "ada-default")
    assert sorted(grant.scopes) == ["mcp", "mcp:read", "offline_access"]
    assert sorted(grant.left_out) == ["mcp:destructive", "mcp:write"]
    [event] = [event for event in await gate.audit.recent("default") if event.action == "consent_given"]
    assert (event.facts["scope"], event.facts["left_out"]) == ("mcp mcp:read offline_access", "mcp:destructive mcp:write")


async def test_an_answer_without_any_boxes_gives_all_that_was_asked_for(consenting: Consenting) -> None:
    """A program that only answers gets what it got before there were boxes."""
    page = await consenting.page(WIDE)
    form = {name: value for name, value in form_of(page.text).items() if name in ("csrf", "request", "tenant")}
    answered = await consenting.browser.post("/consent", data=form | {"decision": "allow"})
    assert (await consenting.tokens(answered))["scope"] == "mcp mcp:destructive mcp:read mcp:write offline_access"


async def test_with_no_tick_only_connecting_is_given(consenting: Consenting) -> None:
    """The page says that it showed boxes, so none ticked is not taken for none shown."""
    answered = await consenting.allow(await consenting.page(WIDE), frozenset(WIDE.split()))
    assert (await consenting.tokens(answered))["scope"] == "mcp"


async def test_where_everything_is_left_out_the_client_hears_a_no(consenting: Consenting) -> None:
    """A client that did not ask to connect can be given nothing at all."""
    answered = await consenting.allow(await consenting.page("mcp:read mcp:write"), frozenset({"mcp:read", "mcp:write"}))
    assert answer_of(answered)["error"] == "access_denied"
    assert await consenting.gate.grants.list_grants("default", "ada-default") == ()


async def test_without_staying_connected_there_is_no_refresh_token(consenting: Consenting) -> None:
    """offline_access left out; a client that does not ask for it gets a refresh token as before."""
    left_out = await consenting.tokens(await consenting.allow(await consenting.page(WIDE), frozenset({"offline_access"})))
    assert ("refresh_token" in left_out, "offline_access" in left_out["scope"]) == (False, False)
    unasked = await consenting.tokens(await consenting.allow(await consenting.page("mcp mcp:write")))
    assert "refresh_token" in unasked


@pytest.mark.parametrize("name", ["mcp:destructive", "crm:write", "mcp:everything", "", "mcp:read mcp:write", "<script>"])
async def test_a_scope_that_was_not_asked_for_cannot_be_ticked(consenting: Consenting, name: str) -> None:
    """What the form adds counts for nothing."""
    answered = await consenting.allow(await consenting.page("mcp mcp:read"), frozenset(), name)
    assert (await consenting.tokens(answered))["scope"] == "mcp mcp:read"


async def test_a_scope_that_this_person_may_not_use_cannot_be_ticked(consenting: Consenting) -> None:
    """Asked for, but an operator limited the person."""
    consenting.gate.allowed[("default", "ada-default")] = frozenset({"mcp", "crm:read", "offline_access"})
    page = await consenting.page("mcp mcp:read mcp:write")
    assert list(boxes(page.text)) == ["mcp", "crm:read"]
    answered = await consenting.allow(page, frozenset(), "mcp:write", "mcp:read")
    assert (await consenting.tokens(answered))["scope"] == "crm:read mcp"


async def test_a_box_that_comes_twice_is_refused(consenting: Consenting) -> None:
    """No browser sends that (RFC 6749 §3.1 in spirit); the request stays open."""
    page = await consenting.page("mcp mcp:read")
    kept = [(name, value) for name, value in form_of(page.text).items() if not name.startswith("scope:")]
    body = "&".join(f"{name}={value}" for name, value in [*kept, ("decision", "allow"), ("scope:mcp:read", "1"), ("scope:mcp:read", "1")])
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await consenting.browser.post("/consent", content=body, headers=form)).status_code == 400
    assert (await consenting.tokens(await consenting.allow(page)))["scope"] == "mcp mcp:read"


async def test_what_was_left_out_is_never_given_silently(consenting: Consenting) -> None:
    """A remembered yes covers what was given; leaving something out takes it back from the memory."""
    await consenting.allow(await consenting.page("mcp mcp:read mcp:write"))
    assert (await go(consenting.browser, consenting.client, scope="mcp mcp:write")).startswith(f"{WEB}?code=")
    page = await consenting.page("mcp mcp:read mcp:write mcp:destructive")
    await consenting.allow(page, frozenset({"mcp:write", "mcp:destructive"}))
    for scope in ("mcp mcp:write", "mcp mcp:destructive"):
        assert (await go(consenting.browser, consenting.client, scope=scope)).startswith("/consent?request=")
    assert (await go(consenting.browser, consenting.client, scope="mcp mcp:read")).startswith(f"{WEB}?code=")


async def test_a_client_that_comes_back_anew_is_offered_what_was_chosen_last(consenting: Consenting) -> None:
    """After it gave its tokens back (RFC 7009) the ticks are as the person left them, and said so."""
    wish = "mcp mcp:read mcp:write"
    tokens = await consenting.tokens(await consenting.allow(await consenting.page(wish), frozenset({"mcp:write"})))
    asking_for_more = await consenting.page(wish)
    await consenting.gate.request("POST", "/revoke", data={"client_id": consenting.client["client_id"], "token": tokens["refresh_token"]})
    anew = await consenting.page(wish)
    # Connected and back: it needs what it lacks, so that is ticked; the person reads that they left it out.
    assert ["checked" in tag for tag in boxes(asking_for_more.text).values()] == [True, True, True]
    assert ["checked" in tag for tag in boxes(anew.text).values()] == [True, True, False]
    assert asking_for_more.text.count("You left this out the last time.") == anew.text.count("You left this out the last time.") == 1
    assert (await consenting.tokens(await consenting.allow(anew)))["scope"] == "mcp mcp:read"


async def test_a_hundred_and_more_scopes_have_a_tick_each(consenting: Consenting, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a request can name."""
    many = frozenset(f"api{number}:read" for number in range(400))
    consenting.gate.allowed[("default", "ada-default")] = many | {"mcp"}
    monkeypatch.setattr("tests.oauth.gateway.PROVIDER_SCOPES", many)
    page = await consenting.page(" ".join(["mcp", *sorted(many)]))
    tokens = await consenting.tokens(await consenting.allow(page, frozenset({"api7:read"})))
    assert frozenset(tokens["scope"].split()) == (many | {"mcp"}) - {"api7:read"}


sets = st.frozensets(st.sampled_from(SCOPES))


def consent_of(choice: Choice) -> RememberedConsent:
    return RememberedConsent("default", "ada", "client", WEB, "resource", choice.given, "", 0.0, choice.left_out)


@given(sets, st.none() | sets)
def test_a_choice_gives_a_part_of_what_was_asked_for(asked: frozenset[str], ticked: frozenset[str] | None) -> None:
    """Whatever the form says."""
    choice = choose(asked, ticked)
    assert choice.given | choice.left_out == asked
    assert not choice.given & choice.left_out
    assert CONNECT not in choice.left_out
    assert ticked is None or all(scope == CONNECT or permits(ticked & asked, scope) for scope in choice.given)


@given(st.lists(st.tuples(sets, sets), min_size=1, max_size=4))
def test_the_last_word_on_a_scope_counts(rounds: list[tuple[frozenset[str], frozenset[str]]]) -> None:
    """After any sequence of choices: what was left out last is not remembered as given, and is told as left out."""
    known = None
    for asked, ticked in rounds:
        choice = choose(asked, ticked)
        known = consent_of(after(known, choice))
    assert known is not None
    assert choice.given <= known.scopes
    assert not choice.left_out & known.scopes
    assert all(scope in left_out_before(asked, known) or permits(known.scopes, scope) for scope in choice.left_out)
