"""Providers answer oddly: an account is as usable as it is, and says so everywhere (clients.md CL01, CL03, CL04, CL33)."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from oauth.connections.errors import ConnectionNeeded
from server.observability.connection_metrics import ConnectionMetrics
from server.storage.schema.connection_tables import connections
from tests.server.connecting.connection_world import ADA
from tests.server.connecting.odd_provider import GOOD, OddWorld, odd_world

A = frozenset({"a.read"})
AB = frozenset({"a.read", "b.read"})
WITHOUT_REFRESH = {"access_token": "at-1", "expires_in": 3600, "scope": "a.read"}


@pytest.fixture
async def odd(tmp_path: Path) -> AsyncIterator[OddWorld]:
    async with odd_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize(
    "scope",
    [
        "a.read,b.read", "a.read b.read", "a.read, b.read", "a.read;b.read", "a.read+b.read", ["a.read", "b.read"], ["a.read,b.read"],
        "b.read,a.read,c.read", "A.Read B.READ", "https://api.example.com/a.read https://api.example.com/b.read", "a.read,b.read c.read",
    ],
    ids=str,
)  # fmt: skip
async def test_an_account_is_usable_however_its_scopes_are_written(odd: OddWorld, scope: Any) -> None:
    """CL01: asked with blanks, answered otherwise."""
    odd.odd.says({**GOOD, "scope": scope})
    page = await odd.connect(AB)
    assert (page.status_code, "not allowed" in page.text) == (200, False)
    assert odd.status(AB) == "ready"
    assert (await odd.world.connections.known.for_call(ADA, "odd", AB, None)).secret == "at-1"


async def test_a_scope_with_a_comma_stays_one_where_it_was_asked_for(odd: OddWorld) -> None:
    """RFC 6749 §A.4: a comma may be part of a scope."""
    odd.odd.says({**GOOD, "scope": "rows:read,write a.read"})
    await odd.connect(frozenset({"rows:read,write", "a.read"}))
    assert odd.world.connections.known.of_provider(ADA, "odd")[0].scopes == frozenset({"rows:read,write", "a.read"})


async def test_a_refresh_that_answers_with_commas_keeps_the_scopes(odd: OddWorld) -> None:
    """CL01: the answer to a refresh is read alike."""
    odd.odd.says({**GOOD, "scope": "a.read b.read"})
    await odd.connect(AB)
    [account] = odd.world.connections.known.of_provider(ADA, "odd")
    odd.odd.says({**GOOD, "access_token": "at-2", "scope": "a.read,b.read"})
    await refreshed(odd, account.account_id)
    assert (odd.status(AB), (await odd.world.connections.known.for_call(ADA, "odd", AB, None)).secret) == ("ready", "at-2")


async def test_a_withheld_default_scope_is_told_on_the_page_and_in_the_list(tmp_path: Path) -> None:
    """CL03."""
    words = {"b.read": "Read your bees"}
    async with odd_world(tmp_path, default_scopes=["openid", "a.read", "b.read", "offline_access"], scope_words=words) as odd:
        odd.odd.says({**GOOD, "scope": "a.read"})
        page = await odd.connect()
        assert "not allowed there: <strong><bdi>Read your bees</bdi></strong>" in page.text
        assert 'class="mark"' not in page.text
        [row] = await listed(odd)
        assert (row["withheld"], "Read your bees" in row["withheld_means"]) == (["b.read"], True)
        odd.odd.says({**GOOD, "scope": "a.read b.read"})
        again = await odd.world.connections.links.link(ADA, "odd", frozenset(), row["id"])
        assert 'class="mark"' in (await odd.connect(link=again)).text
        assert "withheld" not in (await listed(odd))[0]


async def test_a_token_that_ended_without_a_refresh_token_is_expired_everywhere(odd: OddWorld) -> None:
    """CL04: list, page, metric and call, with the link to connect again."""
    odd.odd.says(WITHOUT_REFRESH)
    await odd.connect(A)
    accounts = odd.world.connections.known
    assert odd.status(A) == "ready"
    await later(odd)
    assert odd.status(A) == "expired"
    with pytest.raises(ConnectionNeeded) as needed:
        await accounts.for_call(ADA, "odd", A, None)
    assert (needed.value.readiness.status, "/connect/" in needed.value.url) == ("expired", True)
    assert (await listed(odd))[0]["status"] == "expired"
    states = next(iter(ConnectionMetrics(accounts, odd.world.connections.refresher).collect()))
    assert {sample.labels["state"]: sample.value for sample in states.samples} == {"ready": 0, "expired": 1, "blocked": 0}
    async with odd.world.signed_in(ADA) as browser:
        assert "has ended" in (await browser.get(f"{odd.world.url}/connections")).text
        again = await browser.get(needed.value.url)
    assert "Connect <bdi>Odd</bdi> again" in again.text


async def test_a_token_whose_end_is_only_supposed_is_not_called_over(odd: OddWorld) -> None:
    """CL04, the other side: the template supposes an hour; without a refresh token and a word about its end, a token may live for years."""
    odd.odd.says({"access_token": "at-1", "scope": "a.read"})
    await odd.connect(A)
    [account] = odd.world.connections.known.of_provider(ADA, "odd")
    assert (account.expires_at, account.refresh_due_at, account.has_ended(4e9)) == (None, None, False)
    credential = await odd.world.connections.known.for_call(ADA, "odd", A, None)
    assert not credential.is_renewable


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, {"error": "invalid_grant"}), (401, {"error": "invalid_grant"}), (403, {"error": "INVALID_GRANT"}),
        (400, {"error": {"type": "invalid_grant", "message": "x"}}), (401, {"error": {"code": 190, "type": "invalid_token"}}),
        (400, {"errors": [{"code": "invalid_refresh_token"}]}), (400, {"code": "invalid_grant"}), (400, {"error_code": "token_revoked"}),
        (200, {"ok": False, "error": "token_revoked"}), (200, {"error": "bad_refresh_token", "error_description": "x"}),
        (401, {"error": "invalid_token"}), (400, {"error": "invalid_request", "error_description": "invalid_grant: the token ended"}),
        (400, {"message": "Refresh failed: token_revoked"}), (400, "<html><h1>400</h1><p>invalid_grant</p></html>"),
        (400, {"error": "interaction_required"}), (400, {"fault": {"detail": {"errorcode": "x", "reason": "refresh_token_expired"}}}),
        (400, ["invalid_grant"]), (400, {"error": ["invalid_grant"]}),
    ],
    ids=str,
)  # fmt: skip
async def test_a_refused_refresh_ends_in_a_link_in_whatever_words(odd: OddWorld, status: int, content: Any) -> None:
    """Kind 12: refresh refused in other shapes."""
    account_id = await connected(odd)
    odd.odd.says(content, status)
    await refreshed(odd, account_id)
    assert odd.status() == "expired"
    with pytest.raises(ConnectionNeeded) as needed:
        await odd.world.connections.known.for_call(ADA, "odd", frozenset(), None)
    assert "/connect/" in needed.value.url


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, {"error": "invalid_grant"}), (503, "<html>down</html>"), (429, {"error": "rate_limited"}), (408, {}),
        (400, {"error": "temporarily_unavailable", "error_description": "not an invalid_grant"}), (400, {"error": "server_error"}),
        (403, "<html>a wall in between</html>"), (401, {"error": "invalid_client"}), (400, {"error": "slow_down"}), (200, {}),
    ],
    ids=str,
)  # fmt: skip
async def test_what_may_pass_is_tried_again_and_ends_nothing(odd: OddWorld, status: int, content: Any) -> None:
    """Kind 12: transient failures; the token in hand serves on."""
    account_id = await connected(odd)
    odd.odd.says(content, status)
    await refreshed(odd, account_id)
    found = await odd.world.store.connections.get("default", account_id)
    assert found
    assert (found[0].state, found[0].fail_count, found[0].refresh_due_at is not None) == ("ready", 1, True)
    assert odd.status() == "ready"


async def test_a_refusal_in_unknown_words_shows_the_way_out_once_the_token_is_over(odd: OddWorld) -> None:
    """Kind 12, html: nothing is ended by a wall in between, and nobody waits for ever either."""
    account_id = await connected(odd)
    odd.odd.says("<html><h1>Bad Request</h1></html>", 400)
    await refreshed(odd, account_id)
    assert odd.status() == "ready"
    await later(odd)
    assert odd.status() == "expired"
    odd.odd.says({**GOOD, "access_token": "at-2"})
    await refreshed(odd, account_id)
    assert odd.status() == "ready"


@pytest.mark.parametrize(
    "content",
    [
        {"id_token": "e30.e30.x"}, {"authed_user": {"access_token": "x"}}, {"data": {"access_token": "x"}}, {}, {"access_token": ""},
        {"access_token": None}, {"access_token": {"value": "x"}}, "", "<html>Welcome</html>", [],
    ],
    ids=str,
)  # fmt: skip
async def test_an_answer_without_access_token_is_called_that(odd: OddWorld, content: Any) -> None:
    """CL33e."""
    odd.odd.says(content)
    page = await odd.connect()
    assert (page.status_code, "there is no access token in the answer" in page.text) == (502, True)
    assert 'href="/connect/' in page.text
    assert odd.world.connections.known.of_provider(ADA, "odd") == ()


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "", None, "bot", 7])
async def test_the_type_of_a_token_may_be_anything(odd: OddWorld, token_type: Any) -> None:
    """Kind 12: it is used as a bearer token, which it was asked for as."""
    odd.odd.says({**GOOD, "token_type": token_type})
    assert (await odd.connect()).status_code == 200


@pytest.mark.parametrize("error", ["access_denied", "user_cancelled_login", "user_denied", "Access_Denied", "consent_denied"])
async def test_denied_without_state_is_told_as_denied(odd: OddWorld, error: str) -> None:
    """CL33a: in the words of whichever provider."""
    odd.odd.answer, odd.odd.keeps_state = {"error": error}, False
    page = await odd.connect()
    assert (page.status_code, "Access was not allowed there" in page.text, "second time" in page.text) == (400, True, False)


async def test_denied_with_state_brings_the_link_to_try_again(odd: OddWorld) -> None:
    """CL33b: and the link works."""
    odd.odd.answer = {"error": "access_denied"}
    async with odd.world.signed_in(ADA) as browser:
        page = await browser.get(await odd.go(browser))
        assert "Access was not allowed at Odd" in page.text
        again = page.text.split('href="/connect/')[1].split('"')[0]
        odd.odd.answer = {"code": "c-1"}
        link = f"{odd.world.url}/connect/{again}"
        begun = await odd.world.begin(browser, link)
        done = await browser.get((await browser.get(begun.headers["location"])).headers["location"])
    assert (done.status_code, odd.status()) == (200, "ready")


async def test_a_stranger_learns_no_link_from_a_denial(odd: OddWorld) -> None:
    """CL33b, the other side: only the browser and person that left get it."""
    odd.odd.answer = {"error": "access_denied"}
    async with odd.world.signed_in(ADA) as browser, odd.world.browser() as other:
        back = await odd.go(browser)
        page = await other.get(back)
    assert (page.status_code, 'href="/connect/' in page.text) == (403, False)


async def test_an_operator_finds_why_a_provider_refused(odd: OddWorld, caplog: pytest.LogCaptureFixture) -> None:
    """CL33c: in log and audit, within bounds; never on the page."""
    odd.odd.answer = {"error": "invalid_scope", "error_description": "b.read\r\nis <b>not</b> enabled " + "x" * 500}
    with caplog.at_level(logging.WARNING):
        page = await odd.connect()
    assert (page.status_code, "invalid_scope" in page.text, "not enabled" in page.text) == (400, True, False)
    [line] = [vars(record)["facts"] for record in caplog.records if record.getMessage() == "connection_refused_there"]
    assert line["reason"].startswith("invalid_scope: b.read is <b>not</b> enabled xxx")
    assert len(line["reason"]) < 250
    events = await odd.world.store.secrets.events("default", 9)
    assert any(event.purpose == f"the provider answered {line['reason']}" for event in events)


async def test_an_answer_by_form_post_connects_too(odd: OddWorld) -> None:
    """CL33d: the browser comes again with its cookies, which a form of another site does not bring."""
    async with odd.world.signed_in(ADA) as browser:
        address, _, query = (await odd.go(browser)).partition("?")
        form = dict(pair.split("=") for pair in query.split("&"))
        async with odd.world.browser() as without_cookies:
            posted = await without_cookies.post(address, data={**form, "junk": "x"}, headers={"origin": "https://odd.example"})
        assert (posted.status_code, "junk" in posted.headers["location"]) == (303, False)
        done = await browser.get(f"{odd.world.url}{posted.headers['location']}")
    assert (done.status_code, odd.status()) == (200, "ready")


@pytest.mark.parametrize("form", [{"state": ""}, {"code": "c"}, {"code": "c", "state": "x" * 43}, {"error": "access_denied"}])
async def test_a_posted_answer_out_of_nowhere_is_a_page_and_connects_nothing(odd: OddWorld, form: dict[str, str]) -> None:
    """CL33d: state is checked all the same."""
    at = f"{odd.world.url}/connect/callback/default/odd"
    async with odd.world.signed_in(ADA) as browser:
        page = await browser.post(at, data=form, follow_redirects=True)
        multipart = await browser.post(at, files={"code": b"x"})
    assert (page.status_code in (400, 403), page.headers["content-type"].startswith("text/html")) == (True, True)
    assert (multipart.status_code, multipart.headers["content-type"].startswith("text/html")) == (415, True)
    assert odd.world.connections.known.of_provider(ADA, "odd") == ()


async def connected(odd: OddWorld) -> str:
    odd.odd.says(dict(GOOD))
    await odd.connect()
    return odd.world.connections.known.of_provider(ADA, "odd")[0].account_id


async def refreshed(odd: OddWorld, account_id: str) -> None:
    """Make the refresh of an account due and do it."""
    found = await odd.world.store.connections.get("default", account_id)
    assert found
    await changed(odd, account_id, refresh_due_at=1.0)
    assert await odd.world.connections.refresher.refresh_due() == 1


async def later(odd: OddWorld) -> None:
    """Let the access token be over."""
    [account] = odd.world.connections.known.of_provider(ADA, "odd")
    await changed(odd, account.account_id, expires_at=1.0)


async def changed(odd: OddWorld, account_id: str, **times: float) -> None:
    values = {name: int(value * 1e6) for name, value in times.items()}
    async with odd.world.store.database.write() as sql:
        await sql.execute(update(connections).where(connections.c.account_id == account_id).values(**values, lease_until=None))
    await odd.world.connections.known.renew("default", [account_id])


async def listed(odd: OddWorld) -> list[dict[str, Any]]:
    """Return what connections.list shows."""
    [run] = [each.run for each in odd.world.connections.functions(lambda _tenant: ()) if each.slug == "connections.list"]
    outcome = await run(SimpleNamespace(principal=ADA, arguments={"provider": "odd"}))  # type: ignore[arg-type]  # all that it reads
    rows: list[dict[str, Any]] = outcome.data["accounts"]
    return rows
