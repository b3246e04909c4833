"""The way out that this package is given: one guarded GET, without redirects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """An upstream's answer. Header names are lower case; `body` is decoded and within the limit that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetch(Protocol):
    async def __call__(self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "application/json") -> Fetched:
        """GET `url` once: special-use addresses are refused before connecting, redirects are answers, not followed. Raises FetchRefused."""
        ...


class Outbound(Protocol):
    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        """Send one request: special-use addresses are refused before connecting, redirects are answers. Raises oauth.fetch.FetchRefused."""
        ...
