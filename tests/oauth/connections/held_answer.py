"""A provider's next answer, held back for as long as a test needs to do something meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.fetch import Fetched


@dataclass
class HeldAnswer:
    """`came`: the provider has done what it was asked for, and nobody here knows yet."""

    came: anyio.Event = field(default_factory=anyio.Event)
    may_go_on: anyio.Event = field(default_factory=anyio.Event)


@contextmanager
def holding_answer(endpoint: ProviderTokenEndpoint) -> Iterator[HeldAnswer]:
    """Hold the first answer that `endpoint` gets; others pass, so that what happens meanwhile can ask the provider, too."""
    held, send = HeldAnswer(), endpoint._send

    async def send_and_hold(
        method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        answer = await send(method, url, headers=headers, body=body, max_bytes=max_bytes, timeout_s=timeout_s)
        if not held.came.is_set():
            held.came.set()
            with anyio.fail_after(20):
                await held.may_go_on.wait()
        return answer

    endpoint._send = send_and_hold
    try:
        yield held
    finally:
        endpoint._send = send
