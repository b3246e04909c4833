"""browser.json, browser.crawl: what pages say."""

from tools.browser.crawl import Reach, crawl
from tools.browser.extraction import said_by
from tools.browser.limits import MAX_CRAWL_DEPTH, MAX_CRAWL_PAGES
from tools.browser.pages import Pages
from tools.browser.robots import robots_of
from tools.builtins.browser.page_arguments import SCOPE, SCRIPTED, WAIT, notes_of, schema, view_of
from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

TIMEOUT_S = 60.0
CRAWL_TIMEOUT_S = 240.0
_TEXT_CHARS = 20_000
_LINKS = 200


def _fields(depth: int) -> Json:
    """Return the schema of `fields`, which may stand in each other so many times."""
    selector = {"type": "string", "minLength": 1, "maxLength": 300}
    members: dict[str, Json] = {"selector": selector, "attribute": {"type": "string", "maxLength": 60}, "many": {"type": "boolean"}}
    if depth > 1:
        members["fields"] = _fields(depth - 1)
    whole = {"type": "object", "properties": members, "required": ["selector"], "additionalProperties": False}
    return {"type": "object", "minProperties": 1, "maxProperties": 50, "additionalProperties": {"anyOf": [selector, whole]}}


class PageJson:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, call: Call) -> Outcome:
        given = call.arguments
        fields, wanted = given.get("fields"), set(given.get("include", ["about"] if "fields" not in given else []))
        async with self._pages.opened(call.principal.person, call.deadline, view_of(given)) as (page, proxy):
            opened = await page.open(given["url"], given.get("wait", "load"))
            said = await said_by(
                page,
                fields=fields,
                is_about="about" in wanted,
                text_chars=_TEXT_CHARS if "text" in wanted else 0,
                links=_LINKS if "links" in wanted else 0,
            )
            return Outcome("ok", data={"url": opened.url, "status": opened.status, **said}, notes=notes_of(page, opened, proxy))

    def function(self) -> BuiltinFunction:
        properties = {
            "fields": _fields(2),
            "include": {"type": "array", "items": {"enum": ["about", "text", "links"]}, "uniqueItems": True},
            "wait": WAIT,
            "javascript": SCRIPTED,
        }
        rows = {"selector": ".product", "many": True, "fields": {"name": "h2", "price": ".price"}}
        example = {"url": "https://example.com/products", "fields": {"products": rows}}
        return BuiltinFunction("browser.json", self, schema(properties), scope=SCOPE, example=example, timeout_s=TIMEOUT_S)


class Crawl:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, call: Call) -> Outcome:
        given, holder = call.arguments, call.principal.person
        reach = Reach(given.get("pages", 5), given.get("depth", 1), given.get("under", "/"), given.get("chars", 2_000))
        robots = await robots_of(given["url"], self._pages.egress, holder)
        async with self._pages.opened(holder, call.deadline, view_of(given)) as (page, proxy):
            done = await crawl(page, given["url"].partition("#")[0], reach, robots)
            data = {"pages": done.pages, "not_allowed": done.not_allowed[:50], "ended": done.ended, "found": done.found}
            return Outcome("ok", data=data, notes=notes_of(page, None, proxy))

    def function(self) -> BuiltinFunction:
        properties = {
            "pages": {"type": "integer", "minimum": 1, "maximum": MAX_CRAWL_PAGES, "default": 5},
            "depth": {"type": "integer", "minimum": 0, "maximum": MAX_CRAWL_DEPTH, "default": 1},
            "under": {"type": "string", "pattern": "^/", "maxLength": 500, "default": "/"},
            "chars": {"type": "integer", "minimum": 0, "maximum": 20_000, "default": 2_000},
            "javascript": SCRIPTED,
        }
        example = {"url": "https://example.com/docs/", "under": "/docs/", "pages": 10}
        return BuiltinFunction("browser.crawl", self, schema(properties), scope=SCOPE, example=example, timeout_s=CRAWL_TIMEOUT_S)
