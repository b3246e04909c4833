"""What a page may take: time, bytes, windows, the browser itself."""

import asyncio
import os
import signal
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from tests.chromium import needs_chromium
from tests.tools.browser.hostile_site import endless
from tests.tools.browser.looked_at import HASTY, PERSON, LookedAt, looked_at
from tests.waiting import until
from tools.browser.chromium import Chromium
from tools.browser.errors import BrowserGone, BrowserMissing, PageFailed
from tools.browser.limits import MAX_URL_CHARS, PageLimits
from tools.browser.pages import View
from tools.browser.pictures import pdf, screenshot
from tools.browser.visit import Visit
from tools.errors import Busy
from tools.operation import Json

pytestmark = needs_chromium

PNG, PDF = b"\x89PNG\r\n", b"%PDF-"


async def test_a_page_that_never_ends_is_taken_as_it_is(here: LookedAt) -> None:
    async with here.page(HASTY) as (page, _):
        here.site.pages["/"] = "<h1>There</h1><img src=/never>"
        here.site.handlers["/never"] = endless(b"", "image/png")
        opened = await page.open(f"{here.site.url}/", "load")
        assert not opened.is_settled
        assert (await screenshot(page, "png", is_whole=False, max_bytes=10**7)).body.startswith(PNG)


async def test_an_answer_that_never_begins_ends_with_the_call(here: LookedAt) -> None:
    async def never(_request: web.Request) -> web.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async with here.page(limit_s=4) as (page, _):
        here.site.handlers["/"] = never
        with pytest.raises(PageFailed) as caught:
            await page.open(f"{here.site.url}/", "load")
        assert caught.value.failure.code == "upstream_timeout"


async def test_a_script_that_never_ends_is_ended(here: LookedAt) -> None:
    async with here.page(HASTY) as (page, _):
        here.site.pages["/"] = "<title>busy</title><h1>There</h1><script>setTimeout(() => { while (true) ; }, 100)</script>"
        await page.open(f"{here.site.url}/", "idle")
        assert (await pdf(page, "a4", is_landscape=False, max_bytes=10**7)).startswith(PDF)
        assert await page.found("() => JSON.stringify(document.title)", None) == "busy"
        assert page.is_interrupted


async def test_a_page_that_loads_without_end_is_cut_off(here: LookedAt) -> None:
    async with here.page(PageLimits(traffic_bytes=2_000_000, settle_s=20)) as (page, proxy):
        here.site.handlers["/"] = endless(b"<p>more</p>" * 10_000, "text/html")
        with pytest.raises(PageFailed) as caught:  # noqa: PT012  whichever of them finds it cut off
            await page.open(f"{here.site.url}/", "load")
            await page.found("() => JSON.stringify(1)", None)
        assert caught.value.failure.code == "too_large"
        assert proxy.traffic_bytes < 10_000_000


async def test_addresses_of_frames_are_bounded_though_they_are_no_traffic(here: LookedAt) -> None:
    here.site.pages["/"] = """<script>for (let i = 0; i < 5; i++)
        document.documentElement.append(Object.assign(document.createElement("iframe"), {src: "data:text/html," + "x".repeat(100000)}))
        </script>"""
    async with here.page(PageLimits(traffic_bytes=300_000, settle_s=20)) as (page, _):
        with pytest.raises(PageFailed) as caught:  # noqa: PT012  whichever of them comes after the last frame
            await page.open(f"{here.site.url}/", "load")
            await page.found("() => JSON.stringify(1)", None)
        assert caught.value.failure.code == "too_large"


async def test_addresses_that_scripts_made_long_do_not_come_back(here: LookedAt, monkeypatch: pytest.MonkeyPatch) -> None:
    given = recorded(monkeypatch)
    here.site.pages["/"] = (
        "<iframe src='data:text/html," + "x" * 200_000 + "'></iframe><script>history.pushState(0, '', '/' + 'x'.repeat(50000))</script>"
    )
    async with here.page() as (page, _):
        assert len((await page.open(f"{here.site.url}/", "load")).url) == MAX_URL_CHARS
        assert await page.found("() => JSON.stringify(1)", None) == 1
    assert max(len(str(answer)) for answer in given) < 100_000


async def test_a_picture_is_no_higher_than_pictures_can_be(here: LookedAt) -> None:
    async with here.page() as (page, _):
        here.site.pages["/"] = "<body style='margin:0'><div style='height:9000000px;background:#eee'></div>"
        await page.open(f"{here.site.url}/", "load")
        picture = await screenshot(page, "png", is_whole=True, max_bytes=10**7)
        assert int.from_bytes(picture.body[20:24]) == picture.height == 12_500
        assert picture.wanted_height == 9_000_000
        with pytest.raises(PageFailed, match=r"more than 0\.001 MB"):
            await screenshot(page, "png", is_whole=True, max_bytes=1_000)


async def test_a_document_is_read_no_further_than_it_may_be_long(here: LookedAt, monkeypatch: pytest.MonkeyPatch) -> None:
    given = recorded(monkeypatch)
    here.site.pages["/"] = """<canvas id=noise width=1500 height=1000></canvas><script>
        const drawn = noise.getContext("2d"), image = drawn.createImageData(1500, 1000);
        for (let at = 0; at < image.data.length; at++) image.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
        drawn.putImageData(image, 0, 0);</script>"""
    async with here.page() as (page, _):
        await page.open(f"{here.site.url}/", "load")
        assert len(await pdf(page, "a4", is_landscape=False, max_bytes=10**7)) > 3_000_000
        given.clear()
        with pytest.raises(PageFailed, match="more than 1 MB"):
            await pdf(page, "a4", is_landscape=False, max_bytes=1_000_000)
    assert len(given) == 3
    assert max(len(str(answer)) for answer in given) < 2_000_000


async def test_what_is_found_is_measured_before_it_leaves_the_browser(here: LookedAt, monkeypatch: pytest.MonkeyPatch) -> None:
    given = recorded(monkeypatch)
    async with here.page() as (page, _):
        with pytest.raises(PageFailed, match="could not be read"):
            await page.found("() => JSON.stringify('x'.repeat(5000000))", None)
        with pytest.raises(PageFailed, match="could not be read"):
            await page.found("() => '['.repeat(5000) + ']'.repeat(5000)", None)
    assert max(len(str(answer)) for answer in given) < 100_000


async def test_downloads_are_refused_and_questions_dismissed(here: LookedAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def download(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_000, headers={"content-disposition": "attachment; filename=evil.exe"})

    monkeypatch.setenv("HOME", str(tmp_path))
    here.site.handlers["/file"] = download
    here.site.pages["/"] = """<title>asks</title><a id=a href=/file download>x</a><script>
        onbeforeunload = () => "stay"; alert(1); const sure = confirm("sure?"); const name = prompt("name");
        document.title = `${sure} ${name}`; a.click(); print();</script>"""
    async with here.page() as (page, _):
        await page.open(f"{here.site.url}/", "load")
        assert await page.found("() => JSON.stringify(document.title)", None) == "false null"
    async with here.page() as (page, _):
        with pytest.raises(PageFailed) as caught:
            await page.open(f"{here.site.url}/file", "load")
        assert caught.value.failure.code == "not_a_page"
    assert not files_below(tmp_path)


async def test_a_page_that_breaks_its_process_is_an_error_and_the_next_call_works(here: LookedAt) -> None:
    here.site.pages["/"] = "<h1>There</h1>"
    async with here.page() as (page, _):
        await page.open(f"{here.site.url}/", "load")
        with pytest.raises(BrowserGone, match="ended before there was an answer"):
            await page.command("Page.crash")
    async with here.page() as (page, _):
        assert (await page.open(f"{here.site.url}/", "load")).status == 200


async def test_a_browser_that_is_killed_is_an_error_and_the_next_call_has_another(here: LookedAt) -> None:
    here.site.pages["/"] = "<h1>There</h1>"
    async with here.page() as (page, _):
        await page.open(f"{here.site.url}/", "load")
        for number in browsers_of(os.getpid()):
            os.kill(number, signal.SIGKILL)
        with pytest.raises(BrowserGone) as caught:
            await page.found("() => JSON.stringify(1)", None)
        assert caught.value.failure.retryable
        assert caught.value.failure.hint
    async with here.page() as (page, _):
        assert (await page.open(f"{here.site.url}/", "load")).status == 200


async def test_an_unused_browser_is_closed() -> None:
    already = browsers_of(os.getpid())
    async with looked_at(idle_s=0.0) as here:
        here.site.pages["/"] = "<h1>There</h1>"
        async with here.page() as (page, _):
            await page.open(f"{here.site.url}/", "load")
            # Between fork and exec a child has the words of its parent, and counts twice.
            await until(lambda: len(browsers_of(os.getpid())) == len(already) + 1)
        await until(lambda: browsers_of(os.getpid()) == already)


async def test_a_call_that_begins_when_an_unused_browser_is_to_be_closed_keeps_it(here: LookedAt) -> None:
    async with here.page():
        pass
    here.chromium._is_idle()
    async with here.chromium.context("http://127.0.0.1:9") as context:
        assert (await context.new_page()).url == "about:blank"


async def test_one_person_does_not_take_all_pages(here: LookedAt) -> None:
    """And who waits for one is told so when there is no more time."""
    pages, clock = here.pages(), asyncio.get_running_loop().time
    async with pages.opened(PERSON, clock() + 60, View()), pages.opened(PERSON, clock() + 60, View()):
        with pytest.raises(Busy, match="the browser's pages"):
            async with pages.opened(PERSON, clock() + 0.5, View()):
                raise AssertionError
        async with pages.opened(("other", "sub_bob"), clock() + 60, View()):
            pass


@pytest.mark.parametrize("place", ["/bin/false", "http://127.0.0.1:9"])
async def test_a_browser_that_cannot_be_had_is_said_with_the_setting(place: str) -> None:
    browser = Chromium(place, is_sandboxed=False)
    with pytest.raises(BrowserMissing) as caught:
        async with browser.context("http://127.0.0.1:9"):
            raise AssertionError
    assert "ASCEND_BROWSER" in str(caught.value.failure.hint)
    await browser.close()


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Json]]:
    """Return a list of what the browser answers to commands from now on."""
    given: list[dict[str, Json]] = []
    command = Visit.command

    async def kept(page: Visit, method: str, **parameters: Json) -> dict[str, Json]:
        given.append(await command(page, method, **parameters))
        return given[-1]

    monkeypatch.setattr(Visit, "command", kept)
    return given


def files_below(folder: Path) -> list[Path]:
    return list(folder.rglob("evil*"))


def browsers_of(ancestor: int) -> list[int]:
    """Return the browsers, not their children, that descend from a process."""
    parents, names = {}, {}
    for folder in Path("/proc").iterdir():
        try:
            number = int(folder.name)
            parents[number] = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            names[number] = (folder / "cmdline").read_bytes()
        except (ValueError, OSError):
            continue

    def descends(number: int) -> bool:
        while number in parents and number != ancestor:
            number = parents[number]
        return number == ancestor

    return [number for number, name in names.items() if b"chromium" in name and b"--type=" not in name and descends(number)]
