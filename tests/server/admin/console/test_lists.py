"""Lists and things: what is seen, by whom, and that an address says all of it."""

import gzip
import re

import orjson
import pytest

from tests.server.admin.console.conftest import Browser

ROW = re.compile(r'<a class="row" href="([^"]+)">')
MAX_HTML_BYTES, MAX_COLD_BYTES = 60_000, 25_000


def link(page: str, words: str) -> str:
    """Return where the link with these words leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>[^<]*{re.escape(words)}', page)
    assert found is not None, words
    return found[1].replace("&amp;", "&")


async def test_a_list_shows_rows_whose_links_open_things(browser: Browser) -> None:
    page = await browser.open("/admin/things")
    rows = ROW.findall(page)
    assert len(rows) == 50
    thing = await browser.open(rows[3])
    assert "<h1><bdi>thing-003</bdi></h1>" in thing
    assert "second &lt;line&gt;" in thing


async def test_what_others_wrote_is_shown_and_never_obeyed(browser: Browser) -> None:
    page = await browser.open("/admin/things")
    assert "&lt;b&gt;told&lt;/b&gt;" in page
    assert "<b>told" not in page


async def test_older_and_newer_lead_through_the_whole_list_and_back(browser: Browser) -> None:
    pages = [await browser.open("/admin/things")]
    while "Older" in pages[-1]:
        pages.append(await browser.open(link(pages[-1], "Older")))
    assert [len(ROW.findall(page)) for page in pages] == [50, 50, 20]
    assert len({row for page in pages for row in ROW.findall(page)}) == 120
    back = await browser.open(link(pages[2], "Newer"))
    assert ROW.findall(back) == ROW.findall(pages[1])
    newest = await browser.open(link(back, "Newer"))
    assert ROW.findall(newest) == ROW.findall(pages[0])
    assert "Newer" not in newest


async def test_a_filter_is_part_of_every_link_of_the_page(browser: Browser) -> None:
    page = await browser.open("/admin/things?state=failed&tenant=acme&range=24h")
    assert len(ROW.findall(page)) == 20
    for words in ("7 d", "JSON", "CSV", "Link to exactly this"):
        assert "state=failed" in link(page, words), words
        assert "tenant=acme" in link(page, words), words
    assert link(page, "Show all") == "/admin/things?range=24h"


async def test_a_link_to_exactly_this_shows_the_same_later(browser: Browser) -> None:
    page = await browser.open("/admin/things?range=1h")
    fixed = link(page, "Link to exactly this")
    assert "from=2026-05-28T19%3A26%3A40&to=2026-05-28T20%3A26%3A40" in fixed
    assert ROW.findall(await browser.open(fixed)) == ROW.findall(page)


async def test_a_form_without_values_asks_for_the_same_as_no_form(browser: Browser) -> None:
    page = await browser.open("/admin/things?tenant=&state=&words=&range=")
    assert ROW.findall(page) == ROW.findall(await browser.open("/admin/things"))


@pytest.mark.parametrize("asked", ["range=yesterday", "state=strange", "unheard=of", "from=never", "cursor=%00", "range=24h&range=1h"])
async def test_an_address_that_asks_for_the_impossible_is_told_so_on_a_page(browser: Browser, asked: str) -> None:
    page = await browser.open(f"/admin/things?{asked}", 400)
    assert 'role="alert"' in page
    assert "Traceback" not in page


async def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    assert "Add one above" in await browser.open("/admin/nothings")
    assert "Nothing fits" in await browser.open("/admin/nothings?state=ok")


async def test_a_list_is_data_too(browser: Browser) -> None:
    page = await browser.open("/admin/things")
    items = orjson.loads(await browser.open(link(page, "JSON")))["items"]
    assert [f"/admin/things/{item['id']}" for item in items] == ROW.findall(page)
    table = (await browser.open(link(page, "CSV"))).splitlines()
    assert len(table) == 121
    assert table[0].startswith("id,at_us,tenant,state,ms,calls,")
    assert [orjson.loads(each)["id"] for each in (await browser.open(link(page, "JSON lines"))).splitlines()][119] == "thing-119"
    assert orjson.loads(await browser.open("/admin/things/thing-007?format=json"))["tenant"] == "acme"


async def test_an_owner_of_a_tenant_sees_nothing_of_another(browser: Browser) -> None:
    browser.is_("acme")
    page = await browser.open("/admin/things")
    assert "globex" not in page
    assert 'name="tenant"' not in page
    await browser.open("/admin/things/thing-000", 404)
    await browser.open("/admin/things/thing-001")
    await browser.open("/admin/things?tenant=globex", 403)
    assert "globex" not in await browser.open("/admin/things?format=csv")
    await browser.open("/admin/locks", 403)
    assert "/admin/locks" not in page


async def test_an_auditor_is_offered_no_change(browser: Browser) -> None:
    browser.is_("auditor")
    assert "Add a thing" not in await browser.open("/admin/things")
    assert "Acknowledge" not in await browser.open("/admin/things/thing-001")
    await browser.open("/admin/things?change=add", 403)
    assert (await browser.http.post("/admin/things/thing-001?change=acknowledge")).status_code in (403, 415)
    assert browser.app.things.done == []


async def test_a_stranger_is_sent_to_sign_in_and_monitors_are_told(browser: Browser) -> None:
    browser.is_("nobody")
    sent = await browser.http.get("/admin/things?state=ok")
    assert (sent.status_code, sent.headers["location"]) == (303, "/admin/sign-in?next=/admin/things?state=ok")
    told = await browser.http.get("/admin/errors")
    assert told.status_code == 401
    assert "Sign in" in told.text
    assert "things" not in told.text


async def test_an_address_that_is_none_is_a_page(browser: Browser) -> None:
    assert "Nothing here" in await browser.open("/admin/nowhere", 404)
    assert "Nothing here" in await browser.open("/admin/things/never", 404)


async def test_a_page_is_small_and_comes_packed(browser: Browser) -> None:
    """Goals: 60 KB of HTML, 25 KB on the way with all that it needs, when nothing is there yet."""
    answer = await browser.http.get("/admin/things", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.content) <= MAX_HTML_BYTES
    files = re.findall(r'(?:src|href)="(/admin/static/[^"]+)"', answer.text)
    assert len(files) == 2
    cold = len(gzip.compress(answer.content, 5))
    for file in files:
        sent = await browser.http.get(file, headers={"accept-encoding": "gzip"})
        assert sent.headers["content-encoding"] == "gzip"
        assert "immutable" in sent.headers["cache-control"]
        cold += len(gzip.compress(sent.content))
        if file.partition("?")[0].endswith(".js"):
            assert len(sent.content) <= 6_000
    assert cold <= MAX_COLD_BYTES


async def test_the_policy_of_every_page_lets_nothing_of_others_in(browser: Browser) -> None:
    for path, status in (("/admin/things", 200), ("/admin/nowhere", 404), ("/admin/things?change=add", 200)):
        answer = await browser.http.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", answer.text)
