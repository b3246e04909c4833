"""Changes by hand: asked, proven, done once, said once, and on record with who did it."""

import pytest

from tests.server.admin.console.conftest import Browser
from tests.server.admin.console.stand_in_nouns import SECRET


async def test_a_form_adds_a_thing_and_the_list_says_so_once(browser: Browser) -> None:
    answer = await browser.post("/admin/things?change=add", name="lamp", kind="small", notes="two\r\nlines")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/things")
    assert browser.app.things.done == [("add", "", {"name": "lamp", "kind": "small", "notes": "two\r\nlines"})]
    assert "lamp is added." in await browser.open("/admin/things")
    assert "lamp is added." not in await browser.open("/admin/things")


async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(browser: Browser) -> None:
    answer = await browser.post("/admin/things?change=add", name="lamp", kind="huge", secret="hush")
    assert answer.status_code == 422
    assert 'id="kind-fault" role="alert">Give one of small, large.' in answer.text
    assert 'aria-describedby="kind-fault" aria-invalid="true"' in answer.text
    assert 'value="lamp"' in answer.text
    assert "hush" not in answer.text
    assert browser.app.things.done == []


async def test_what_the_noun_finds_wrong_is_said_at_its_field_too(browser: Browser) -> None:
    answer = await browser.post("/admin/things?change=add", name="taken", kind="small")
    assert answer.status_code == 422
    assert 'id="name-fault" role="alert">&#39;taken&#39; is there already.' in answer.text


async def test_of_two_who_change_the_same_thing_the_second_is_shown_what_the_first_did(browser: Browser) -> None:
    """The version goes along unseen; with the newest one in the form, sending it again is a decision."""
    path = "/admin/things/thing-001?change=rename"
    mine = await browser.open(path)
    assert 'type="hidden" name="version" value="1000"' in mine
    assert 'for="version"' not in mine
    assert (await browser.post(path, label="hers", version="1000")).status_code == 303
    late = await browser.post(path, label="mine", version="1000")
    assert late.status_code == 412
    assert "Somebody else changed it since you opened this form." in late.text
    assert 'id="label-fault" role="alert">You wrote &#39;mine&#39;, and this is what is there now.' in late.text
    assert ('value="hers"' in late.text, 'name="version" value="1001"' in late.text) == (True, True)
    assert browser.app.things.titles["thing-001"] == ("hers", 1_001)
    assert (await browser.post(path, label="mine", version="1001")).status_code == 303
    assert browser.app.things.titles["thing-001"] == ("mine", 1_002)


async def test_a_fault_leaves_the_version_as_it_was_seen(browser: Browser) -> None:
    """Or who mistyped first would overwrite what they have never seen."""
    path = "/admin/things/thing-001?change=rename"
    assert (await browser.post(path, label="hers", version="1000")).status_code == 303
    refused = await browser.post(path, label="", version="1000")
    assert refused.status_code == 422
    assert 'name="version" value="1000"' in refused.text


async def test_a_secret_is_shown_on_the_answer_itself_and_nowhere_else(browser: Browser) -> None:
    answer = await browser.post("/admin/things?change=add", name="lamp", kind="small", with_key="true")
    assert answer.status_code == 200
    assert SECRET in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert SECRET not in str(answer.headers)
    assert SECRET not in await browser.open("/admin/things")


async def test_a_change_without_fields_is_one_press(browser: Browser) -> None:
    token = await browser.token("/admin/things/thing-001")
    answer = await browser.http.post("/admin/things/thing-001?change=acknowledge", data={"csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/things/thing-001")
    assert browser.app.things.done == [("change", "thing-001", {})]


async def test_a_change_is_offered_in_the_states_in_which_it_makes_sense(browser: Browser) -> None:
    assert "change=mend" in await browser.open("/admin/things/thing-002")
    assert "change=mend" not in await browser.open("/admin/things/thing-003")


async def test_what_cannot_be_undone_is_asked_first(browser: Browser) -> None:
    page = await browser.open("/admin/things/thing-001")
    assert 'href="/admin/things/thing-001?change=retire"' in page
    assert "gone for everybody" in await browser.open("/admin/things/thing-001?change=retire")
    answer = await browser.post("/admin/things/thing-001?change=retire")
    assert answer.headers["location"] == "/admin/things"


async def test_a_change_that_opens_doors_takes_a_fresh_proof(browser: Browser) -> None:
    browser.is_("stale")
    path = "/admin/things/thing-001?change=hand_over"
    asked = await browser.http.get(path)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/admin/prove?next={path}")
    token = await browser.token("/admin/things/thing-001")
    posted = await browser.http.post(path, data={"csrf": token, "to": "ada"})
    assert (posted.status_code, posted.headers["location"]) == (303, f"/admin/prove?next={path}&with.to=ada")
    assert browser.app.things.done == []
    browser.is_("owner")
    assert 'value="ada"' in await browser.open(f"{path}&with.to=ada")
    assert (await browser.post(path, to="ada")).status_code == 303
    assert browser.app.things.done == [("change", "thing-001", {"to": "ada"})]


@pytest.mark.parametrize("token", ["", "x" * 64, "other session", "other thing"])
async def test_a_form_of_another_page_or_session_changes_nothing(browser: Browser, token: str) -> None:
    if token == "other session":
        browser.is_("acme")
        token = await browser.token("/admin/things/thing-001")
        browser.is_("owner")
    elif token == "other thing":
        token = await browser.token("/admin/things/thing-003")
    answer = await browser.http.post("/admin/things/thing-001?change=acknowledge", data={"csrf": token})
    assert answer.status_code == 403
    assert browser.app.things.done == []


async def test_nobody_changes_what_they_do_not_reach(browser: Browser) -> None:
    """A token of one's own for another's thing helps nobody: the thing is not there."""
    browser.is_("acme")
    token = await browser.token("/admin/things/thing-001")
    for path in ("/admin/things/thing-000?change=acknowledge", "/admin/things/thing-000?change=retire"):
        assert (await browser.http.post(path, data={"csrf": token})).status_code == 404
    assert browser.app.things.done == []


async def test_what_was_said_is_shown_only_where_we_said_it(browser: Browser) -> None:
    browser.http.cookies.set("ascend_said", "aGFja2Vk.0123", path="/admin")
    assert "hacked" not in await browser.open("/admin/things")


@pytest.mark.parametrize("path", ["/admin/things?change=retire", "/admin/things/thing-001?change=add", "/admin/things?change=unheard"])
async def test_a_change_that_there_is_not_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    await browser.open(path, 404)
    assert (await browser.http.post(path, data={"csrf": "x"})).status_code == 404
