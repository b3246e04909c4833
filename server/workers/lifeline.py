"""The line between the supervisor and one worker: the worker says that it is ready or why not, and hears when the supervisor is gone."""

import socket
from contextlib import suppress

_READY, _FAILED = b"ready\n", b"failed "
MAX_REASON_BYTES = 2_000


class Lifeline:
    """Two ends, one each; the process that has the one closes the other."""

    def __init__(self) -> None:
        self.ours, self.workers = socket.socketpair()
        self.ours.setblocking(False)
        self._heard = b""

    # What the supervisor does:

    def hear(self) -> None:
        """Take what the worker has said by now."""
        with suppress(BlockingIOError, ConnectionError):
            while (said := self.ours.recv(4096)) and len(self._heard) < MAX_REASON_BYTES:
                self._heard += said

    @property
    def is_ready(self) -> bool:
        return self._heard.startswith(_READY)

    @property
    def reason(self) -> str:
        """Why the worker could not start; "" where it did not say."""
        return self._heard.removeprefix(_FAILED).decode(errors="replace").strip() if self._heard.startswith(_FAILED) else ""

    # What the worker does:

    def say_ready(self) -> None:
        with suppress(OSError):  # Whoever would hear it is gone.
            self.workers.sendall(_READY)

    def say_failed(self, reason: str) -> None:
        with suppress(OSError):
            self.workers.sendall(_FAILED + reason.encode(errors="replace")[: MAX_REASON_BYTES - len(_FAILED)])

    def is_cut(self) -> bool:
        """Say whether the supervisor is gone, once there is something to read."""
        try:
            return not self.workers.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.ours.close()
        self.workers.close()
