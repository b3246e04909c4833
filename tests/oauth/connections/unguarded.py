"""The way out for tests of `oauth`, which may not import the guarded one of `tools`."""

from collections.abc import Mapping

import httpx2

from oauth.errors import FetchRefused
from oauth.fetch import Fetched, Outbound


def unguarded(client: httpx2.AsyncClient) -> Outbound:
    """Return an `Outbound` over `client`, without guard and limits."""

    async def send(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float) -> Fetched:
        try:
            answer = await client.request(method, url, headers=dict(headers), content=body, timeout=timeout_s)
        except httpx2.HTTPError as error:
            raise FetchRefused(type(error).__name__) from error
        return Fetched(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content[:max_bytes])

    return send
