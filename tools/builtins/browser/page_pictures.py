"""browser.screenshot, browser.pdf: a page as a file."""

from tools.browser.pages import Pages
from tools.browser.pictures import pdf, screenshot
from tools.builtins.browser.page_arguments import HEIGHT, SCOPE, SCRIPTED, WAIT, WIDTH, notes_of, schema, view_of
from tools.operation import Call, Download, Outcome
from tools.sources.builtin import BuiltinFunction

TIMEOUT_S = 60.0


class Screenshot:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, call: Call) -> Outcome:
        given, made_as = call.arguments, call.arguments.get("format", "png")
        async with self._pages.opened(call.principal.person, call.deadline, view_of(given)) as (page, proxy):
            opened = await page.open(given["url"], given.get("wait", "load"))
            is_whole, most = given.get("full_page", False), self._pages.limits.result_bytes
            picture = await screenshot(page, made_as, is_whole=is_whole, max_bytes=most)
            notes = notes_of(page, opened, proxy)
            if picture.height < picture.wanted_height:
                notes += (f"the page is {picture.wanted_height:,} pixels high; the picture shows the first {picture.height:,}",)
            return Outcome("ok", data=Download(picture.body, f"image/{made_as}", f"page.{made_as}"), notes=notes)

    def function(self) -> BuiltinFunction:
        properties = {
            "full_page": {"type": "boolean", "default": False},
            "width": WIDTH,
            "height": HEIGHT,
            "format": {"enum": ["png", "jpeg"], "default": "png"},
            "wait": WAIT,
            "javascript": SCRIPTED,
        }
        example = {"url": "https://example.com/pricing", "full_page": True}
        return BuiltinFunction("browser.screenshot", self, schema(properties), scope=SCOPE, example=example, timeout_s=TIMEOUT_S)


class Pdf:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        async with self._pages.opened(call.principal.person, call.deadline, view_of(given)) as (page, proxy):
            opened = await page.open(given["url"], given.get("wait", "load"))
            is_landscape, most = given.get("landscape", False), self._pages.limits.result_bytes
            document = await pdf(page, given.get("paper", "a4"), is_landscape=is_landscape, max_bytes=most)
            return Outcome("ok", data=Download(document, "application/pdf", "page.pdf"), notes=notes_of(page, opened, proxy))

    def function(self) -> BuiltinFunction:
        properties = {
            "paper": {"enum": ["a4", "letter"], "default": "a4"},
            "landscape": {"type": "boolean", "default": False},
            "wait": WAIT,
            "javascript": SCRIPTED,
        }
        example = {"url": "https://example.com/terms"}
        return BuiltinFunction("browser.pdf", self, schema(properties), scope=SCOPE, example=example, timeout_s=TIMEOUT_S)
