"""A page as a picture or a PDF."""

import base64
from typing import Final, Literal

from tools.browser.errors import PageFailed
from tools.browser.limits import MAX_PDF_PAGES, MAX_PICTURE_HEIGHT_PX, MB
from tools.browser.visit import Visit

PictureFormat = Literal["png", "jpeg"]
Paper = Literal["a4", "letter"]
#: inches
_PAPERS: Final = {"a4": (8.27, 11.69), "letter": (8.5, 11.0)}


async def screenshot(page: Visit, picture_format: PictureFormat, *, is_whole: bool, max_bytes: int) -> bytes:
    """Return what the window shows, or with `is_whole` all of the page, as high as a picture can be. Raises PageFailed, BrowserGone."""
    metrics = await page.command("Page.getLayoutMetrics")
    window, content = metrics["cssLayoutViewport"], metrics["cssContentSize"]
    height = min(max(content["height"], window["clientHeight"]), MAX_PICTURE_HEIGHT_PX) if is_whole else window["clientHeight"]
    clip = {"x": 0, "y": 0, "width": window["clientWidth"], "height": height, "scale": 1}
    quality = {"quality": 80} if picture_format == "jpeg" else {}
    made = await page.command("Page.captureScreenshot", format=picture_format, clip=clip, captureBeyondViewport=is_whole, **quality)
    return _within(base64.b64decode(made["data"]), max_bytes)


async def pdf(page: Visit, paper: Paper, *, is_landscape: bool, max_bytes: int) -> bytes:
    """Return the page as it is printed, its first sheets. Raises PageFailed, BrowserGone."""
    width, height = _PAPERS[paper]
    made = await page.command(
        "Page.printToPDF",
        paperWidth=width,
        paperHeight=height,
        landscape=is_landscape,
        printBackground=True,
        pageRanges=f"1-{MAX_PDF_PAGES}",
        transferMode="ReturnAsBase64",
    )
    return _within(base64.b64decode(made["data"]), max_bytes)


def _within(made: bytes, max_bytes: int) -> bytes:
    if len(made) > max_bytes:
        hint = "ask for a smaller window, for jpeg, or for less of the page"
        raise PageFailed("too_large", f"what was made of the page has {len(made) // MB} MB, and {max_bytes // MB} is the most", hint)
    return made
