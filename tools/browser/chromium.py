"""The operator's Chromium: started, or connected to, when a call first needs it; closed when none does any more.

The driver (playwright) is loaded with the first page.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tools.browser.errors import BrowserGone, BrowserMissing
from tools.browser.limits import IDLE_S

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

_DRIVER: Final = "playwright.async_api"
START_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 5.0
#: a proxy that takes nothing: what the browser itself may ask for, beside the pages, goes nowhere
_NOWHERE: Final = "http://127.0.0.1:9"
_SWITCHES: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-pings",
    # No name is looked up by the browser, and no packet passes by the proxy.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",
)
#: what knows ways past a proxy; the switch above says so too, but not to a browser that others started
_WITHOUT_DATAGRAMS: Final = "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport']) delete globalThis[name];"
#: of ours, what the browser is given: the rest holds settings, secrets among them, which whoever breaks it must not find in its memory
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "FONTCONFIG_PATH", "LD_LIBRARY_PATH")


class Chromium:
    """One browser for all calls; each call has a context of its own. Close it with `close`."""

    def __init__(self, place: str, *, is_sandboxed: bool = True, idle_s: float = IDLE_S) -> None:
        """`place`: an executable, or a CDP endpoint (`http://127.0.0.1:9222`) on this machine."""
        self._place, self._is_sandboxed, self._idle_s = place, is_sandboxed, idle_s
        self._driver: Playwright | None = None
        self._browser: Browser | None = None
        self._starting = asyncio.Lock()
        self._contexts = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def context(self, proxy_url: str, **options: Any) -> AsyncIterator["BrowserContext"]:
        """Give an isolated context, whose requests go to the proxy, all of them; its cookies and storage end with it.

        Raises BrowserMissing, and BrowserGone where the browser ends while the context is opened.
        """
        self._contexts += 1
        try:
            browser = await self._running()
            context = await self._opened(browser, proxy_url, options)
            try:
                yield context
            finally:
                await self._close_context(context)
        finally:
            self._contexts -= 1
            self._close_when_idle()

    async def _opened(self, browser: "Browser", proxy_url: str, options: dict[str, Any]) -> "BrowserContext":
        try:
            context = await browser.new_context(
                # Without `<-loopback>` Chromium goes to loopback by itself, past every proxy.
                proxy={"server": proxy_url, "bypass": "<-loopback>"},
                accept_downloads=False,
                service_workers="block",
                user_agent=_user_agent(browser.version),
                **options,
            )
            # A page has no use for a second one, nor for a permission.
            context.on("page", lambda page: asyncio.ensure_future(_close_popup(page)))
            await context.clear_permissions()
            await context.add_init_script(_WITHOUT_DATAGRAMS)
        except driver_error() as error:
            raise BrowserGone from error
        return context

    async def close(self) -> None:
        """End the browser that was started, or leave the one that was not."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            await self._end()

    async def _running(self) -> "Browser":
        async with self._starting:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            await self._end()
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    self._driver = await import_module(_DRIVER).async_playwright().start()
                    self._browser = await self._started(self._driver)
            except TimeoutError as error:
                await self._end()
                raise BrowserMissing(f"'{self._place}' did not start within {START_TIMEOUT_S:g} s") from error
            except Exception as error:
                await self._end()
                raise BrowserMissing(_first_line(error)) from error
            return self._browser

    async def _started(self, driver: "Playwright") -> "Browser":
        if "://" in self._place:
            return await driver.chromium.connect_over_cdp(self._place)
        return await driver.chromium.launch(
            executable_path=self._place,
            chromium_sandbox=self._is_sandboxed,
            args=list(_SWITCHES),
            proxy={"server": _NOWHERE},
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )

    async def _close_context(self, context: "BrowserContext") -> None:
        """Close it; a browser that does not even do that is ended, with what others have open."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await context.close()
        except TimeoutError:
            async with self._starting:
                await self._end()
        except driver_error():
            return  # It is gone already.

    async def _end(self) -> None:
        browser, driver, self._browser, self._driver = self._browser, self._driver, None, None
        for end in (browser.close if browser else None, driver.stop if driver else None):
            if end is not None:
                with suppress(Exception):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await end()

    def _close_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._contexts == 0:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._is_idle)

    def _is_idle(self) -> None:
        if self._contexts == 0:
            self._closing = asyncio.ensure_future(self._close_unused())

    async def _close_unused(self) -> None:
        async with self._starting:
            # A call that began since has the browser already.
            if self._contexts == 0:
                await self._end()


def driver_error() -> type[Exception]:
    """Return what the driver raises, whatever goes wrong."""
    found: type[Exception] = import_module(_DRIVER).Error
    return found


async def _close_popup(page: Any) -> None:
    """Close what a page opened; the first page of a context is ours."""
    if page is not page.context.pages[0]:
        with suppress(Exception):
            await page.close()


def _user_agent(version: str) -> str:
    """Return what sites are told: the browser that it is, and whom it works for."""
    major = version.partition(".")[0]
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36 ascend-gateway"


def _first_line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.removeprefix("BrowserType.launch: ").removeprefix("BrowserType.connect_over_cdp: ")[:300]
