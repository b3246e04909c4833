"""One page of one call: opened within limits, looked at from a world of our own, where nothing of the page's scripts is."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from tools.browser.chromium import driver_error
from tools.browser.errors import BrowserGone, PageFailed
from tools.browser.forward_proxy import ForwardProxy
from tools.browser.limits import MAX_URL_CHARS, MB, PageLimits
from tools.egress.addresses import AddressRules
from tools.json_text import decode
from tools.operation import Json

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page

Settled = Literal["load", "idle"]
T = TypeVar("T")
_ENDED: Final = ("has been closed", "Target crashed", "Page crashed", "Connection closed", "Browser closed", "Target closed")
#: how long a page may keep us waiting before its scripts are ended
ANSWER_S: Final = 5.0
#: of the JSON text that is found on a page
MAX_FOUND_CHARS: Final = 4 * MB
_ERROR_PAGE: Final = "chrome-error:"


@dataclass(frozen=True, slots=True)
class Opened:
    """What came: `url` after redirects, cut where it is longer than MAX_URL_CHARS, and whether it was still loading when it was taken."""

    url: str
    status: int
    is_settled: bool


class Visit:
    """A page in a context. All that is asked of it ends at `deadline` (loop time)."""

    def __init__(self, page: "Page", session: "CDPSession", proxy: ForwardProxy, rules: AddressRules, limits: PageLimits, deadline: float):
        self._page, self._session, self._proxy, self._rules = page, session, proxy, rules
        self._limits, self._deadline = limits, deadline
        #: its scripts were ended, since they kept it from answering
        self.is_interrupted = False
        #: set when its process, or the browser, has ended
        self.gone = asyncio.Event()

    @property
    def is_late(self) -> bool:
        """Say whether the call's time is over."""
        return asyncio.get_running_loop().time() >= self._deadline

    @property
    def url(self) -> str:
        """Where the page is now."""
        return str(self._page.url)

    async def open(self, url: str, settled: Settled) -> Opened:
        """Go to `url`. Raises EgressRefused, PageFailed, BrowserGone."""
        # Judged here too, so that what is refused is said in the words of the guard and not in those of a browser.
        self._rules.target(url)
        try:
            response = await self.asked(self._page.goto(url, wait_until="commit", timeout=0))
        except PageFailed:
            raise
        except Exception as error:
            raise self._failure(error) from error
        is_settled = True
        try:
            state: Any = "networkidle" if settled == "idle" else "load"
            async with asyncio.timeout(self._limits.settle_s):
                await self.asked(self._page.wait_for_load_state(state, timeout=0))
        except TimeoutError:
            is_settled = False
        except Exception as error:
            raise self._failure(error) from error
        if self._page.url.startswith(_ERROR_PAGE):
            raise self._failure(None)
        return Opened(self._page.url[:MAX_URL_CHARS], response.status if response is not None else 200, is_settled)

    async def command(self, method: str, **parameters: Json) -> dict[str, Json]:
        """Give the browser a command of its protocol; scripts that keep it waiting are ended. Raises PageFailed, BrowserGone."""
        answer: asyncio.Future[dict[str, Json]] = _let_go(asyncio.ensure_future(self._session.send(method, parameters)))
        try:
            await self._wait_for(answer, ANSWER_S)
            if not answer.done() and not self.is_interrupted:
                await self._end_scripts()
            return await self.asked(answer)
        except PageFailed:
            raise
        except Exception as error:
            raise self._failure(error) from error

    async def _end_scripts(self) -> None:
        """End the script that runs and let no other begin, so that what is there can be looked at."""
        self.is_interrupted = True
        _let_go(asyncio.ensure_future(self._session.send("Emulation.setScriptExecutionDisabled", {"value": True})))
        await self.asked(self._session.send("Runtime.terminateExecution"))

    async def found(self, script: str, argument: Json) -> Json:
        """Return what `script`, a function that gives JSON text, finds on the page; its world has none of the page's names.

        Raises PageFailed, BrowserGone.
        """
        # A page is named as its main frame is; the tree of frames would have the addresses of all, of two megabytes each.
        frame = (await self.command("Target.getTargetInfo"))["targetInfo"]["targetId"]
        world = await self.command("Page.createIsolatedWorld", frameId=frame, worldName="ascend")
        # Measured before it leaves the browser: here it would be in memory already.
        expression = f"((text) => text.length > {MAX_FOUND_CHARS} ? null : text)(({script})({json.dumps(argument)}))"
        answer = await self.command("Runtime.evaluate", expression=expression, contextId=world["executionContextId"], returnByValue=True)
        text = answer["result"].get("value")
        try:
            if isinstance(text, str):
                return decode(text.encode(errors="surrogatepass"))
        except ValueError:
            pass  # It nests more deeply than anybody reads.
        raise PageFailed("page_unreadable", "the page could not be read", "leave out scripts (javascript: false), or read another page")

    async def asked(self, what: Awaitable[T]) -> T:
        """Wait for the browser as long as there is time, and a page. Raises PageFailed, BrowserGone, and whatever the driver does."""
        answer = _let_go(asyncio.ensure_future(what))
        await self._wait_for(answer)
        if self._proxy.is_spent:
            raise self._too_large()
        if answer.done():
            return answer.result()
        if self.gone.is_set():
            raise BrowserGone
        message = "the page did not come to an end in time"
        hint = "leave out scripts (javascript: false), or ask for less of it"
        raise PageFailed("upstream_timeout", message, hint, retryable=True)

    async def _wait_for(self, answer: asyncio.Future[Any], most_s: float = math.inf) -> None:
        """Wait until there is an answer, or cannot be one any more, or for so long."""
        ends = [asyncio.ensure_future(event.wait()) for event in (self.gone, self._proxy.spent)]
        waited: list[asyncio.Future[Any]] = [answer, *ends]
        try:
            left_s = max(0.0, self._deadline - asyncio.get_running_loop().time())
            await asyncio.wait(waited, timeout=min(left_s, most_s), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def _too_large(self) -> PageFailed:
        most = self._limits.traffic_bytes // MB
        return PageFailed("too_large", f"the page loads more than {most} MB", "ask for another page, or leave out scripts")

    def _failure(self, error: Exception | None) -> Exception:
        """Return what a fault of the driver, or an error page, means."""
        said = str(error or "")
        if error is not None and not isinstance(error, driver_error() | TimeoutError):
            return error
        if self._proxy.is_spent:
            return self._too_large()
        if any(word in said for word in _ENDED):
            return BrowserGone()
        if "Download is starting" in said:
            return PageFailed(
                "not_a_page", "the address answers with a download", "import its API and call it; a browser shows pages alone"
            )
        if self._proxy.refusals:
            return next(reversed(self._proxy.refusals.values()))
        code = said.partition("net::")[2].split(" ", 1)[0][:60]
        return PageFailed("upstream_unreachable", f"the page did not come ({code or 'the connection broke'})", retryable=True)


@asynccontextmanager
async def visit(
    context: "BrowserContext", proxy: ForwardProxy, rules: AddressRules, limits: PageLimits, deadline: float
) -> AsyncIterator[Visit]:
    """Give a new page of `context`, closed in the end. Raises BrowserGone."""
    try:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
    except driver_error() as error:
        raise BrowserGone from error
    page.on("dialog", lambda dialog: asyncio.ensure_future(_dismiss(dialog)))
    found = Visit(page, session, proxy, rules, limits, deadline)
    # The driver keeps the address of each frame in our memory, and a script can make it of two megabytes without any traffic.
    page.on("framenavigated", lambda frame: proxy.count(len(frame.url)))
    for event in ("crash", "close"):
        page.on(event, lambda _page: found.gone.set())
    yield found


def _let_go(asked: asyncio.Future[T]) -> asyncio.Future[T]:
    """Have what was asked go on where nobody waits for it any more: it ends with the page, and what it says then is nobody's news."""
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asked


async def _dismiss(dialog: Any) -> None:
    with suppress(Exception):
        await dialog.dismiss()
