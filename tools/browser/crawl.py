"""Pages of one site, from one on, as far as asked, as robots.txt lets."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlunsplit

from tools.browser.errors import BrowserGone, PageFailed
from tools.browser.extraction import said_by
from tools.browser.robots import Robots
from tools.browser.visit import Opened, Visit
from tools.errors import EgressRefused
from tools.operation import Json
from tools.text.urls import parts_of

#: of a page
_LINKS: Final = 500
#: of all pages together: each is kept, and asked of robots.txt
MAX_FOUND: Final = 1_000
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far: `pages` in all, `depth` links from the first, paths that begin with `under`, `chars` of each page's text."""

    pages: int
    depth: int
    under: str
    chars: int


@dataclass(slots=True)
class Crawled:
    pages: list[dict[str, Json]] = field(default_factory=list)
    #: what robots.txt, or a link that asks not to be followed, kept away
    not_allowed: list[str] = field(default_factory=list)
    #: None, or why it ended before it was done
    ended: str | None = None
    found: int = 0


async def crawl(page: Visit, start: str, reach: Reach, robots: Robots) -> Crawled:
    """Open pages in the order in which they are found; one that fails is told with its reason. Raises what opening the first does."""
    start = respelled(start)
    origin, done = parts_of(start)[:2], Crawled()
    waiting, seen = deque([(start, 0)]), {start}
    while waiting and len(done.pages) < reach.pages:
        # What a site made up is looked through here: others get their turn between any two links.
        await asyncio.sleep(0)
        if page.is_late:
            done.ended = "time"
            break
        url, depth = waiting.popleft()
        if not robots.allows(url):
            done.not_allowed.append(url)
            continue
        try:
            opened = await page.open(url, "load")
            entry, links = await _read(page, opened, reach)
        except (PageFailed, EgressRefused) as error:
            if not done.pages and url == start:
                raise
            if error.failure.code == "upstream_timeout":
                done.ended = "time"
                break
            done.pages.append({"url": url, "depth": depth, "error": error.failure.code})
            continue
        except BrowserGone:
            if not done.pages:
                raise
            done.ended = "browser_crashed"
            break
        # A redirect, or a script since, leads to no page that a link may not lead to.
        led_to = {opened.url, page.url} - {url}
        if out := next((each for each in led_to if not _is_within(each, origin, reach.under if depth else "/")), None):
            done.pages.append({"url": url, "depth": depth, "error": "leads_elsewhere", "to": out})
            continue
        if out := next((each for each in led_to if not robots.allows(each)), None):
            done.not_allowed.append(out)
            continue
        done.pages.append(entry | {"depth": depth})
        for link in links if depth < reach.depth else ():
            if len(seen) >= MAX_FOUND:
                break
            if link["url"] in seen or not _is_within(link["url"], origin, reach.under):
                continue
            seen.add(link["url"])
            if link["nofollow"]:
                done.not_allowed.append(link["url"])
            else:
                waiting.append((link["url"], depth + 1))
    done.found = len(seen)
    if waiting and done.ended is None:
        done.ended = "pages"
    return done


def respelled(url: str) -> str:
    """Return an http or https URL as browsers tell it: scheme and host in small letters, no default port, a path (URL Standard §4.5)."""
    scheme, place, path, query, _ = parts_of(url)
    if not place:
        return url  # It is none, which is for whoever opens it to say.
    return urlunsplit((scheme, place.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":")), path or "/", query, ""))


async def _read(page: Visit, opened: Opened, reach: Reach) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    said = await said_by(page, text_chars=reach.chars, links=_LINKS)
    entry = {"url": opened.url, "status": opened.status, "title": said["title"], "text": said.get("text", "")}
    return entry, said["links"]


def _is_within(url: str, origin: tuple[str, str], under: str) -> bool:
    parts = parts_of(url)
    return (parts.scheme, parts.netloc) == origin and (parts.path or "/").startswith(under)
