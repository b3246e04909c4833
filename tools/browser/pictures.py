"""A page as a picture or a PDF."""

import base64
from dataclasses import dataclass
from typing import Final, Literal

from tools.browser.errors import PageFailed
from tools.browser.limits import MAX_PDF_PAGES, MAX_PICTURE_HEIGHT_PX, MAX_PICTURE_PIXELS, MB
from tools.browser.visit import Visit

PictureFormat = Literal["png", "jpeg"]
Paper = Literal["a4", "letter"]
#: inches
_PAPERS: Final = {"a4": (8.27, 11.69), "letter": (8.5, 11.0)}
_PIECE_BYTES: Final = 1 * MB


@dataclass(frozen=True, slots=True)
class Picture:
    """`height` of what was taken, `wanted_height` of what was asked for; CSS pixels, one of the picture each."""

    body: bytes
    height: int
    wanted_height: int


async def screenshot(page: Visit, picture_format: PictureFormat, *, is_whole: bool, max_bytes: int) -> Picture:
    """Take what the window shows, or with `is_whole` all of the page, as much as a picture can hold. Raises PageFailed, BrowserGone."""
    metrics = await page.command("Page.getLayoutMetrics")
    window, content = metrics["cssLayoutViewport"], metrics["cssContentSize"]
    width, wanted = window["clientWidth"], window["clientHeight"]
    if is_whole:
        wanted = max(content["height"], wanted)
    height = min(wanted, MAX_PICTURE_HEIGHT_PX, MAX_PICTURE_PIXELS // width)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    quality = {"quality": 80} if picture_format == "jpeg" else {}
    made = await page.command("Page.captureScreenshot", format=picture_format, clip=clip, captureBeyondViewport=is_whole, **quality)
    data = made["data"]
    # RFC 4648 §4: four characters are three bytes, fewer by the `=` at the end.
    if len(data) // 4 * 3 - data[-2:].count("=") > max_bytes:
        raise _too_large(max_bytes)
    return Picture(base64.b64decode(data), int(height), int(wanted))


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
        transferMode="ReturnAsStream",
    )
    document = bytearray()
    is_read = False
    while not is_read:
        piece = await page.command("IO.read", handle=made["stream"], size=_PIECE_BYTES)
        document += base64.b64decode(piece["data"])
        if len(document) > max_bytes:
            raise _too_large(max_bytes)
        is_read = piece["eof"]
    return bytes(document)


def _too_large(max_bytes: int) -> PageFailed:
    hint = "ask for a smaller window, for jpeg, or for less of the page"
    return PageFailed("too_large", f"what was made of the page has more than {max_bytes / MB:g} MB", hint)
