"""A connection to a client on which the head of an answer leaves together with its first bytes of body."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

MAX_JOINED_BYTES = 64 * 1024


class CorkedTransport(asyncio.Transport):
    """Holds a head back until the body follows, or until the loop turns: one system call and one packet for a small answer.

    uvicorn writes both apart, and every write is a system call at once, for a tenth of a call's time.
    """

    def __init__(self, inner: asyncio.Transport, soon: Callable[[Callable[[], None]], object]) -> None:
        """`soon` calls a function when the loop turns."""
        super().__init__()
        self._inner, self._soon = inner, soon
        self._held: bytes | None = None
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]
        self.is_closing = inner.is_closing  # type: ignore[method-assign]
        self.is_reading = inner.is_reading  # type: ignore[method-assign]
        self.pause_reading = inner.pause_reading  # type: ignore[method-assign]
        self.resume_reading = inner.resume_reading  # type: ignore[method-assign]
        self.set_protocol = inner.set_protocol  # type: ignore[method-assign]
        self.get_protocol = inner.get_protocol  # type: ignore[method-assign]
        self.set_write_buffer_limits = inner.set_write_buffer_limits  # type: ignore[method-assign]
        self.get_write_buffer_limits = inner.get_write_buffer_limits  # type: ignore[method-assign]

    def write(self, data: Any) -> None:
        held = self._held
        if held is not None:
            self._held = None
            if len(data) <= MAX_JOINED_BYTES:
                self._inner.write(held + data)
                return
            self._inner.write(held)
        elif data[:7] == b"HTTP/1.":
            # A body that begins like a head is only held for a moment.
            self._held = bytes(data)
            self._soon(self.flush)
            return
        self._inner.write(data)

    def flush(self) -> None:
        """Write what is held."""
        held, self._held = self._held, None
        if held is not None and not self._inner.is_closing():
            self._inner.write(held)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        self.flush()
        self._inner.write_eof()

    def can_write_eof(self) -> bool:
        return self._inner.can_write_eof()

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size() + len(self._held or b"")

    def close(self) -> None:
        self.flush()
        self._inner.close()

    def abort(self) -> None:
        self._held = None
        self._inner.abort()
