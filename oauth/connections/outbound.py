"""The way out that connections are given: one guarded request, without redirects."""

from collections.abc import Mapping
from typing import Protocol

from oauth.fetch import Fetched


class Outbound(Protocol):
    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        """Send one request: special-use addresses are refused before connecting, redirects are answers. Raises oauth.fetch.FetchRefused."""
        ...
