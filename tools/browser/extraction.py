"""What a page says, as JSON: of itself, and what selectors pick out of it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from tools.browser.errors import PageFailed
from tools.browser.visit import Visit
from tools.operation import Json

#: of all that is picked and told together
MAX_CHARS: Final = 400_000
#: of JSON-LD: what nests deeper means nothing to its readers, and fails some of them
MAX_LEVELS: Final = 32


async def said_by(
    page: Visit, *, fields: Mapping[str, Json] | None = None, is_about: bool = False, text_chars: int = 0, links: int = 0
) -> dict[str, Json]:
    """Return title and lang of a page, and what is asked for beside them.

    `fields`: name -> selector, or {selector, attribute, many, fields}; `is_about`: canonical, meta, json_ld, headings; `text_chars`: so
    much of its text; `links`: so many of [{url, text, nofollow}]. Raises PageFailed, BrowserGone.
    """
    asked = {
        "fields": fields,
        "about": is_about,
        "text_chars": text_chars,
        "links": links,
        "max_chars": MAX_CHARS,
        "max_levels": MAX_LEVELS,
    }
    answer: dict[str, Json] = await page.found(_script(), asked)
    if fault := answer.get("fault"):
        message = f"arguments.{fault['path']}: '{str(fault['value'])[:100]}' is no CSS selector; write one, such as h1 or .price"
        raise PageFailed("invalid_arguments", message)
    return answer


@cache
def _script() -> str:
    text = files("tools.browser").joinpath("extraction.js").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("//"))
