"""What pages say: picked out of one, read from several."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.chromium import needs_chromium
from tests.tools.browser.looked_at import PERSON, LookedAt
from tools.browser.crawl import Crawled, Reach, crawl, respelled
from tools.browser.errors import PageFailed
from tools.browser.extraction import said_by
from tools.browser.pages import View
from tools.browser.robots import Robots, robots_of
from tools.browser.visit import Visit
from tools.errors import EgressRefused

pytestmark = needs_chromium

SHOP = """<html lang=en><head><title>Shop</title><link rel=canonical href=/shop><meta name=description content="All we sell">
<meta property="og:title" content="The shop"><script type="application/ld+json">{"@type": "Store", "name": "Shop"}</script>
<script type="application/ld+json">{broken</script></head><body><h1>Products</h1>
<div class=product><h2>Tea</h2><b class=price>3 €</b><a href="/tea">more</a></div>
<div class=product><h2>Cup</h2><a href="/cup#top" rel=nofollow>more</a></div><p hidden>unseen</p><p id=late></p>
<script>document.getElementById("late").textContent = "made by a script";
document.querySelectorAll = () => []; JSON.stringify = () => "overridden"; Array.from = () => [];</script></body></html>"""


async def said(here: LookedAt, text: str = SHOP, *, is_scripted: bool = True, **asked: Any) -> dict[str, Any]:
    here.site.pages["/"] = text
    async with here.pages().opened(PERSON, asyncio.get_running_loop().time() + 60, View(is_scripted=is_scripted)) as (page, _):
        await page.open(f"{here.site.url}/", "load")
        return await said_by(page, **asked)


async def test_selectors_pick_texts_attributes_and_rows(here: LookedAt) -> None:
    """Whatever the page's scripts made of the names that are used."""
    row = {"selector": ".product", "many": True, "fields": {"name": "h2", "price": ".price", "at": {"selector": "a", "attribute": "href"}}}
    found = await said(
        here, fields={"heading": "h1", "products": row, "late": "#late", "none": ".none", "nones": {"selector": "u", "many": True}}
    )
    assert found["fields"] == {
        "heading": "Products",
        "products": [
            {"name": "Tea", "price": "3 €", "at": f"{here.site.url}/tea"},
            {"name": "Cup", "price": None, "at": f"{here.site.url}/cup#top"},
        ],
        "late": "made by a script",
        "none": None,
        "nones": [],
    }


async def test_what_a_page_says_of_itself(here: LookedAt) -> None:
    found = await said(here, is_about=True, text_chars=1_000, links=10)
    assert (found["title"], found["lang"], found["canonical"]) == ("Shop", "en", f"{here.site.url}/shop")
    assert found["meta"] == {"description": "All we sell", "og:title": "The shop"}
    assert found["json_ld"] == [{"@type": "Store", "name": "Shop"}]
    assert found["headings"] == [{"level": 1, "text": "Products"}, {"level": 2, "text": "Tea"}, {"level": 2, "text": "Cup"}]
    assert "Tea" in found["text"]
    assert "unseen" not in found["text"]
    assert [(link["url"], link["nofollow"]) for link in found["links"]] == [(f"{here.site.url}/tea", False), (f"{here.site.url}/cup", True)]


async def test_without_scripts_a_page_says_what_it_is_without_them(here: LookedAt) -> None:
    assert (await said(here, is_scripted=False, fields={"late": "#late"}))["fields"] == {"late": ""}


async def test_a_selector_that_is_none_is_named(here: LookedAt) -> None:
    with pytest.raises(PageFailed, match=r"arguments\.fields\.a\.fields\.b\.selector: ':::' is no CSS selector"):
        await said(here, fields={"a": {"selector": "body", "fields": {"b": ":::"}}})


async def test_a_page_however_large_says_no_more_than_fits(here: LookedAt) -> None:
    text = "<script>for (let i = 0; i < 3000; i++) document.write('<p>' + 'x'.repeat(2000) + '</p>')</script>"
    found = await said(here, text, fields={"all": {"selector": "p", "many": True}}, text_chars=20_000)
    assert sum(map(len, found["fields"]["all"])) <= 400_000
    assert len(found["text"]) == 20_000
    assert found["text_is_whole"] is False


async def test_data_that_nests_beyond_reason_is_left_out(here: LookedAt) -> None:
    """Whoever reads an answer in turn goes down as deep as it does."""
    scripts = "".join(
        f"<script type='application/ld+json'>{text}</script>" for text in ("[" * 1_500 + "]" * 1_500, "[" * 20_000 + "]" * 20_000, "[[1]]")
    )
    assert (await said(here, scripts, is_about=True))["json_ld"] == [[[1]]]


async def crawled(here: LookedAt, start: str = "/", robots: Robots | None = None, **reach: Any) -> Crawled:
    asked = Reach(**{"pages": 10, "depth": 3, "under": "/", "chars": 100, **reach})
    async with here.page() as (page, _):
        return await crawl(page, here.site.url + start, asked, robots or await robots_of(here.site.url, here.egress, PERSON))


def link(*paths: str) -> str:
    return "<title>page</title>" + "".join(f"<a href='{path}'>x</a>" for path in paths)


def shown(here: LookedAt, done: Crawled) -> list[tuple[str, int]]:
    return [(page["url"].removeprefix(here.site.url), page["depth"]) for page in done.pages]


async def test_links_are_followed_within_the_site_as_far_as_asked(here: LookedAt) -> None:
    here.site.pages |= {
        "/": link(
            "/docs/a",
            "/docs/b#x",
            "http://elsewhere.example.com/",
            f"http://inside.test:{here.site.inside.port}/",
            "/other",
            "mailto:a@b.c",
        ),
        "/docs/a": link("/docs/deep", "/"),
        "/docs/b": link("/docs/a"),
        "/docs/deep": link("/docs/deeper"),
    }
    assert shown(here, await crawled(here, depth=1, under="/docs/")) == [("/", 0), ("/docs/a", 1), ("/docs/b", 1)]
    done = await crawled(here, pages=4, under="/docs/")
    assert shown(here, done) == [("/", 0), ("/docs/a", 1), ("/docs/b", 1), ("/docs/deep", 2)]
    assert done.ended == "pages"
    assert here.site.inside.reached == 0


async def test_robots_and_links_that_ask_not_to_be_followed_are_heard(here: LookedAt) -> None:
    here.site.pages |= {
        "/": link("/private/a", "/open") + "<a rel='nofollow ugc' href=/ugc>x</a>",
        "/open": link(),
        "/private/a": link(),
        "/ugc": link(),
        "/robots.txt": "User-agent: *\nDisallow: /\n\nUser-agent: ascend-gateway\nDisallow: /private/",
    }
    done = await crawled(here)
    assert shown(here, done) == [("/", 0), ("/open", 1)]
    assert sorted(done.not_allowed) == [f"{here.site.url}/private/a", f"{here.site.url}/ugc"]
    assert not {"/private/a", "/ugc"} & set(here.site.asked)


async def test_a_redirect_leads_to_no_page_that_a_link_may_not_lead_to(here: LookedAt) -> None:
    async def to_private(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "/private/a"})

    async def to_other(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "/other"})

    here.site.handlers |= {"/docs/a": to_private, "/docs/b": to_other}
    script = "<script>location = '/private/a'</script>"
    here.site.pages |= {
        "/": link("/docs/a", "/docs/b", "/docs/c", "/docs/d"),
        "/docs/c": script,
        "/docs/d": link(),
        "/private/a": "<p>secret</p>" + link("/docs/e"),
        "/docs/e": link(),
        "/other": "<p>other</p>",
        "/robots.txt": "User-agent: *\nDisallow: /private/",
    }
    done = await crawled(here)
    assert shown(here, done) == [("/", 0), ("/other", 1), ("/docs/d", 1)]
    assert done.not_allowed == [f"{here.site.url}/private/a"] * 2
    within = await crawled(here, under="/docs/")
    elsewhere = [(page["to"], page.get("text")) for page in within.pages if page.get("error") == "leads_elsewhere"]
    assert (f"{here.site.url}/other", None) in elsewhere
    assert "secret" not in str((done.pages, within.pages))


async def test_a_start_may_be_spelled_as_people_do(here: LookedAt) -> None:
    here.site.pages |= {"/": link("/", "/a"), "/a": link()}
    async with here.page() as (page, _):
        done = await crawl(page, here.site.url.replace("http://site", "HTTP://Site"), Reach(10, 1, "/", 100), Robots(()))
    assert shown(here, done) == [("/", 0), ("/a", 1)]
    assert respelled("HTTPS://Example.com:443?a=B#c") == "https://example.com/?a=B"
    assert respelled("http://example.com:443/A") == "http://example.com:443/A"


async def test_a_page_that_fails_is_told_and_the_others_are_read(here: LookedAt) -> None:
    here.site.pages |= {
        "/": link("/away", "/there"),
        "/there": link(),
        "/away": "<meta http-equiv=refresh content='0;url=http://127.0.0.1:INSIDE/'>",
    }
    done = await crawled(here)
    assert [(page["url"].removeprefix(here.site.url), page.get("error")) for page in done.pages][2:] == [("/there", None)]
    assert done.ended is None
    assert here.site.inside.reached == 0


async def test_a_start_that_may_not_be_called_is_an_error(here: LookedAt) -> None:
    with pytest.raises(EgressRefused):
        await robots_of(f"http://127.0.0.1:{here.site.inside.port}/", here.egress, PERSON)


class Watched(Robots):
    """Rules that let nothing in but the first page; `turns` of the others at each question."""

    def __init__(self) -> None:
        super().__init__(Robots.read("User-agent: *\nDisallow: /no").rules)
        self.turns: list[int] = []
        self.turn = 0

    def allows(self, url: str) -> bool:
        self.turns.append(self.turn)
        return super().allows(url)

    async def others(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)


async def test_others_have_a_turn_between_two_links(here: LookedAt) -> None:
    here.site.pages["/"] = link(*(f"/no/{number}" for number in range(100)))
    robots = Watched()
    others = asyncio.ensure_future(robots.others())
    try:
        done = await crawled(here, robots=robots)
    finally:
        others.cancel()
    assert len(done.not_allowed) == 100
    assert len(set(robots.turns)) == 101


async def test_links_are_looked_through_no_longer_than_the_call_has_time(here: LookedAt, monkeypatch: pytest.MonkeyPatch) -> None:
    here.site.pages["/"] = link(*(f"/no/{number}" for number in range(100)))
    robots = Watched()
    monkeypatch.setattr(Visit, "is_late", property(lambda _page: len(robots.turns) == 10))
    done = await crawled(here, robots=robots)
    assert (done.ended, len(done.pages), len(done.not_allowed)) == ("time", 1, 9)


async def test_links_are_kept_up_to_a_number(here: LookedAt) -> None:
    here.site.pages["/"] = link("/a", "/b", *(f"/no/{number}" for number in range(400)))
    for path, begin in (("/a", 400), ("/b", 800)):
        here.site.pages[path] = link(*(f"/no/{number}" for number in range(begin, begin + 400)))
    done = await crawled(here, robots=Watched())
    assert done.found == 1_000
    assert len(done.pages) == 3


async def test_a_link_that_is_too_long_is_no_other_address(here: LookedAt) -> None:
    here.site.pages["/"] = link("/" + "x" * 3_000, "/short")
    done = await crawled(here, robots=Robots(()))
    assert [page["url"] for page in done.pages] == [f"{here.site.url}/", f"{here.site.url}/short"]


async def test_a_start_that_is_no_address_is_refused(here: LookedAt) -> None:
    async with here.page() as (page, _):
        with pytest.raises(EgressRefused):
            await crawl(page, "http://[foo/", Reach(10, 1, "/", 100), Robots(()))
