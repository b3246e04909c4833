"""How every body is read here, of forms, registrations and messages alike: bounded in bytes, and in time."""

from typing import Final

import anyio
from starlette.types import Receive

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
#: What is larger is read, recognised and answered with a turn for others in between, since each looks at all of it.
LARGE_BODY_BYTES: Final = 256 * 1024
#: how long a body may take to come
BODY_TIMEOUT_S: Final = 30.0


class ClientGone(Exception):
    """The client closed the connection before its request was whole: there is nobody to answer."""


async def read_body(receive: Receive, max_bytes: int = MAX_BODY_BYTES, timeout_s: float = BODY_TIMEOUT_S) -> bytes | None:
    """Return the whole body; None where it is larger than allowed, and then the rest is left unread. Raises TimeoutError, ClientGone."""
    chunks: list[bytes] = []
    total, is_whole = 0, False
    with anyio.fail_after(timeout_s):
        while not is_whole and total <= max_bytes:
            chunk, is_whole = await _part(receive)
            chunks.append(chunk)
            total += len(chunk)
    return b"".join(chunks) if total <= max_bytes else None


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next piece of a body and whether it is the last."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    return message.get("body", b""), not message.get("more_body", False)
