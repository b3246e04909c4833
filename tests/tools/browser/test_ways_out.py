"""A page has one way out, whatever it tries: names, numbers, frames, sockets, workers, redirects."""

import subprocess
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from tests.chromium import CHROMIUM, FLAGS, needs_chromium
from tests.tools.browser.hostile_site import PRIVATE, REBOUND, echo
from tests.tools.browser.looked_at import LookedAt, looked_at
from tests.waiting import until
from tools.errors import EgressRefused

pytestmark = needs_chromium

#: ways to name what listens on this machine
NAMES = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1", PRIVATE, REBOUND, "[::ffff:127.0.0.1]")
TRIES = """<title>tries</title><script>
const names = NAMES, port = INSIDE, done = [];
const wait = (node, add) => new Promise((end) => { node.onload = node.onerror = end; add(node); setTimeout(end, 3000); });
for (const name of names) {
  const url = `http://${name}:${port}/`;
  done.push(fetch(url, {mode: "no-cors"}).catch(() => 0));
  done.push(fetch(url, {method: "POST", mode: "no-cors", body: "x", keepalive: true}).catch(() => 0));
  done.push(wait(new Image(), (node) => { node.src = url; }));
  done.push(wait(document.createElement("iframe"), (node) => { node.src = url; document.documentElement.append(node); }));
  const secured = url.replace("http:", "https:"), socket = url.replace("http:", "ws:");
  done.push(wait(document.createElement("script"), (node) => { node.src = secured; document.head.append(node); }));
  done.push(new Promise((end) => { try { const s = new WebSocket(socket); s.onerror = s.onclose = end; } catch { end(); } }));
  done.push(new Promise((end) => { const s = new EventSource(url); s.onerror = () => { s.close(); end(); }; }));
  navigator.sendBeacon(url, "x");
}
const work = `fetch("http://127.0.0.1:${port}/w", {mode: "no-cors"}).catch(() => 0).then(() => postMessage(1))`;
done.push(new Promise((end) => { new Worker(URL.createObjectURL(new Blob([work]))).onmessage = end; }));
const frame = document.documentElement.appendChild(document.createElement("iframe"));
const Peer = window.RTCPeerConnection || frame.contentWindow.RTCPeerConnection;
const servers = [{urls: `stun:127.0.0.1:${port}`}];
for (const by of ["udp", "tcp"]) servers.push({urls: `turn:127.0.0.1:${port}?transport=${by}`, username: "a", credential: "b"});
if (Peer) {
  const peer = new Peer({iceServers: servers});
  peer.createDataChannel("x");
  peer.createOffer().then((offer) => peer.setLocalDescription(offer));
  done.push(new Promise((end) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && end();
    setTimeout(end, 3000);
  }));
}
Promise.all(done).then(() => fetch("/tried", {method: "POST"}));
</script>"""


async def everything_is_tried(here: LookedAt) -> None:
    """Open the page above and wait until it has tried all; nobody may have come inside."""
    tried = anyio.Event()

    async def note(_request: web.Request) -> web.Response:
        tried.set()
        return web.Response()

    here.site.pages["/"] = TRIES.replace("NAMES", str(list(NAMES)))
    here.site.handlers["/tried"] = note
    async with here.page() as (page, proxy):
        assert (await page.open(f"{here.site.url}/", "load")).status == 200
        with anyio.fail_after(40):
            await tried.wait()
        assert len(proxy.refusals) == 10
    assert (here.site.inside.reached, here.site.inside.datagrams) == (0, 0)


async def test_nothing_that_a_page_tries_reaches_this_machine(here: LookedAt) -> None:
    await everything_is_tried(here)


async def test_nor_in_a_browser_that_others_started_without_our_switches(tmp_path: Path) -> None:
    """By its CDP endpoint; it goes on when we leave it."""
    command = [str(CHROMIUM), "--headless", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}", *FLAGS]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220  it goes on, and is not talked to
    try:
        told = tmp_path / "DevToolsActivePort"
        await until(lambda: told.exists() and told.read_text(encoding="utf-8").count("\n") == 1)
        endpoint = f"http://127.0.0.1:{told.read_text(encoding='utf-8').split()[0]}"
        async with looked_at(program=endpoint) as here:
            await everything_is_tried(here)
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(timeout=20)


async def test_a_page_talks_with_its_own_site_by_websocket(here: LookedAt) -> None:
    said = anyio.Event()

    async def note(_request: web.Request) -> web.Response:
        said.set()
        return web.Response()

    async with here.page() as (page, _):
        here.site.pages["/"] = """<script>const talk = new WebSocket(`ws://${location.host}/echo`);
            talk.onopen = () => talk.send("hear me");
            talk.onmessage = (event) => event.data === "hear me" && fetch("/said");</script>"""
        here.site.handlers |= {"/echo": echo, "/said": note}
        await page.open(f"{here.site.url}/", "load")
        with anyio.fail_after(30):
            await said.wait()


@pytest.mark.parametrize("target", ["http://127.0.0.1:INSIDE/", f"http://{PRIVATE}:INSIDE/", "https://localhost:INSIDE/"])
async def test_a_redirect_to_this_machine_is_refused_like_the_address_itself(here: LookedAt, target: str) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": target.replace("INSIDE", str(here.site.inside.port))})

    async with here.page() as (page, _):
        here.site.handlers["/"] = redirect
        with pytest.raises(EgressRefused, match="may not be called"):
            await page.open(f"{here.site.url}/", "load")
        assert here.site.inside.reached == 0


@pytest.mark.parametrize(
    "page_text",
    [
        "<meta http-equiv=refresh content='0;url=http://127.0.0.1:INSIDE/'>",
        "<script>location = 'http://localhost:INSIDE/'</script>",
        "<form action='http://127.0.0.1:INSIDE/' method=post></form><script>document.forms[0].submit()</script>",
        "<script>window.open('http://127.0.0.1:INSIDE/')</script><a id=a target=_blank href='http://127.0.0.1:INSIDE/'>x</a><script>a.click()</script>",
    ],
    ids=["refresh", "location", "form", "windows"],
)
async def test_a_page_that_goes_elsewhere_by_itself_does_not_get_there(here: LookedAt, page_text: str) -> None:
    async with here.page() as (page, _):
        here.site.pages["/"] = page_text
        try:
            await page.open(f"{here.site.url}/", "idle")
        except EgressRefused:
            assert "windows" not in page_text
        assert here.site.inside.reached == 0


async def test_what_is_no_page_of_the_network_is_not_opened(here: LookedAt) -> None:
    async with here.page() as (page, _):
        for url in (
            "file:///etc/passwd",
            "chrome://version",
            "data:text/html,x",
            "javascript:1",
            "about:blank",
            "view-source:http://a.test",
        ):
            with pytest.raises(EgressRefused, match="is not an http or https URL"):
                await page.open(url, "load")


async def test_a_page_shows_no_file_of_this_machine(here: LookedAt, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret", encoding="utf-8")
    async with here.page() as (page, _):
        here.site.pages["/"] = f"<iframe src='file://{secret}'></iframe><script>fetch('file://{secret}').catch(() => 0)</script>"
        await page.open(f"{here.site.url}/", "load")
        text = await page.found(
            "() => JSON.stringify(Array.from(document.querySelectorAll('iframe')).map((f) => f.contentDocument?.body?.innerText ?? ''))",
            None,
        )
        assert "secret" not in str(text)


async def test_a_service_worker_is_not_taken(tmp_path: Path) -> None:
    """It would live on past its page. A site that is as good as https may ask for one, and gets none."""
    async with looked_at(program=tmp_path / "chromium") as here:
        switch = f"--unsafely-treat-insecure-origin-as-secure={here.site.url}"
        program = tmp_path / "chromium"
        program.write_text(f'#!/bin/sh\nexec {CHROMIUM} "{switch}" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        here.site.pages["/"] = """<script>const workers = navigator.serviceWorker;
            workers.register("/worker.js").catch(() => 0).then(() => workers.getRegistrations())
              .then((all) => { document.title = `workers: ${all.length}`; });</script>"""
        here.site.pages["/worker.js"] = "fetch('http://127.0.0.1:INSIDE/', {mode: 'no-cors'})"
        async with here.page() as (page, _):
            await page.open(f"{here.site.url}/", "idle")

            async def has_tried() -> bool:
                return str(await page.found("() => JSON.stringify(document.title)", None)).startswith("workers: ")

            await until(has_tried)
            assert await page.found("() => JSON.stringify(document.title)", None) == "workers: 0"
        assert "/worker.js" not in here.site.asked
        assert here.site.inside.reached == 0


async def test_what_one_call_left_the_next_one_does_not_find(here: LookedAt) -> None:
    here.site.pages["/"] = "<script>document.cookie = 'seen=1; max-age=9999'; localStorage.seen = 1</script>"
    for _ in range(2):
        async with here.page() as (page, _proxy):
            await page.open(f"{here.site.url}/", "load")
    assert [cookies for path, cookies in zip(here.site.asked, here.site.cookies, strict=True) if path == "/"] == [{}, {}]
    assert all(agent.endswith("ascend-gateway") for agent in here.site.agents)
