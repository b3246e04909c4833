"""The way out that this package is given: one guarded request, without redirects. `tools.egress` keeps the promise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

ACCEPT_JSON: Mapping[str, str] = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An upstream's answer. Header names are lower case; `body` is decoded and within the limit that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound(Protocol):
    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        """Send one request: special-use addresses are refused before connecting, redirects are answers. Raises FetchRefused."""
        ...
