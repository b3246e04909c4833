"""What all browser tools take, and what each says of the page beside its answer."""

from collections.abc import Mapping
from typing import Final

from tools.browser.forward_proxy import ForwardProxy
from tools.browser.pages import View
from tools.browser.visit import Opened, Visit
from tools.operation import Json

#: what a token needs: pages are anybody's, and the browser is the operator's
SCOPE: Final = "browser:read"
URL: Final[Json] = {"type": "string", "minLength": 8, "maxLength": 2_000}
SCRIPTED: Final[Json] = {"type": "boolean", "default": True}
WAIT: Final[Json] = {"enum": ["load", "idle"], "default": "load"}
WIDTH: Final[Json] = {"type": "integer", "minimum": 200, "maximum": 3_840, "default": 1_280}
HEIGHT: Final[Json] = {"type": "integer", "minimum": 200, "maximum": 2_160, "default": 800}


def schema(properties: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schema of a tool that takes a URL first."""
    return {"type": "object", "properties": {"url": URL, **properties}, "required": ["url"], "additionalProperties": False}


def view_of(given: Mapping[str, Json]) -> View:
    return View(given.get("width", View().width), given.get("height", View().height), given.get("javascript", True))


def notes_of(page: Visit, opened: Opened | None, proxy: ForwardProxy) -> tuple[str, ...]:
    """Say what the caller cannot see: that a page went on loading or running, and what it was not let reach."""
    notes = []
    if page.is_interrupted:
        notes.append("scripts of the page kept it from answering, and were ended")
    if opened is not None and not opened.is_settled:
        notes.append("the page was still loading when it was taken")
    if proxy.refusals:
        notes.append(f"requests of the page were not let out: {', '.join(proxy.refusals)}")
    return tuple(notes)
