"""The browser tools, in the order in which they are told of."""

from tools.browser.pages import Pages
from tools.builtins.browser.page_contents import Crawl, PageJson
from tools.builtins.browser.page_pictures import Pdf, Screenshot
from tools.sources.builtin import BuiltinFunction


def page_tools(pages: Pages) -> list[BuiltinFunction]:
    """Return browser.screenshot, browser.pdf, browser.json and browser.crawl."""
    return [Screenshot(pages).function(), Pdf(pages).function(), PageJson(pages).function(), Crawl(pages).function()]
