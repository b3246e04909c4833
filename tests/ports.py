"""Loopback ports for servers under test."""

import socket
from collections import deque

#: bound and never listening, so that nobody else on the machine is given their ports; a test uses a few, one after the other
_HELD: deque[socket.socket] = deque()
MAX_HELD = 32


def free_port() -> int:
    """Return a loopback port for one server of this test; nobody answers there until that server listens.

    Whoever listens must set SO_REUSEADDR, as asyncio, uvicorn, our own server and Node do.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _HELD.append(holder)
    if len(_HELD) > MAX_HELD:
        _HELD.popleft().close()
    return int(holder.getsockname()[1])
