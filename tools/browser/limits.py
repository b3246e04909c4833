"""What one call may take of the browser and of the network."""

from dataclasses import dataclass
from typing import Final

MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PageLimits:
    """`traffic_bytes`: of everything that its pages send and get; `connections`: at one time; `settle_s`: how long a page may go on
    loading once its answer began, before it is taken as it is; `result_bytes`: of a picture or document that is made of it."""

    traffic_bytes: int = 32 * MB
    connections: int = 48
    settle_s: float = 10.0
    result_bytes: int = 16 * MB


#: pages of all tenants at one time: each is a process of a hundred megabytes
MAX_PAGES_OPEN: Final = 4
#: an unused browser is closed: it holds 200 MB
IDLE_S: Final = 60.0
#: of a page that was opened; scripts can write two megabytes there
MAX_URL_CHARS: Final = 8_000
#: Skia makes no larger surface
MAX_PICTURE_HEIGHT_PX: Final = 16_000
#: what the browser hands over is in our memory before it can be measured: noise takes three bytes a pixel, and four as text
MAX_PICTURE_PIXELS: Final = 16_000_000
MAX_PDF_PAGES: Final = 50
MAX_CRAWL_PAGES: Final = 20
MAX_CRAWL_DEPTH: Final = 3
