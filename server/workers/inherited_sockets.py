"""The sockets that workers take connections from: opened before any of them is forked, and open for as long as the supervisor lives."""

import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from server.config.errors import SettingsError
from server.http.listen import listen


class WorkerSockets:
    """A socket for each worker, bound to one address (SO_REUSEPORT): the kernel spreads connections over those that listen.

    A worker listens on its own once it is ready. One that dies leaves its socket listening, until `silence` sends connections to the
    others. Where the kernel does not spread (macOS), all have the same socket, and `silence` does nothing.
    """

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets

    @staticmethod
    def opened(host: str, port: int, count: int, option: str) -> "WorkerSockets":
        """Raises SettingsError where the address cannot be had; `option` chooses another port."""
        # Without SO_REUSEPORT: two gateways of one user would share the port without a word.
        first = listen(host, port, option)
        if sys.platform != "linux":
            return WorkerSockets([first] * count)
        address, family = first.getsockname(), first.family
        first.close()
        return WorkerSockets([_bound(family, address) for _ in range(count)])

    def __getitem__(self, number: int) -> socket.socket:
        return self._sockets[number]

    @property
    def port(self) -> int:
        return int(self._sockets[0].getsockname()[1])

    def silence(self, number: int) -> None:
        """Have nobody wait for a worker that is gone: what comes from now on goes to the others, and what waited is refused."""
        if sys.platform == "linux":
            # listen(2) makes it a listening one again. It fails where no worker has listened yet.
            with suppress(OSError):
                self._sockets[number].shutdown(socket.SHUT_RDWR)

    def keep_only(self, number: int) -> socket.socket:
        """Close those of the others, in a process that is the worker `number`, and return its own."""
        own = self._sockets[number]
        for each in self._sockets:
            if each is not own:
                each.close()
        return own

    def close(self) -> None:
        for each in self._sockets:
            each.close()


def _bound(family: socket.AddressFamily | int, address: tuple[Any, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingsError(f"{address}: {error.strerror}; something else took the port in this moment, start again") from error
    bound.setblocking(False)
    return bound
