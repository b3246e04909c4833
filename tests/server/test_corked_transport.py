"""The head of an answer leaves with its body, and never later than the loop turns."""

import asyncio
from collections.abc import Callable

from server.corked_transport import MAX_JOINED_BYTES, CorkedTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Recording(asyncio.Transport):
    """A transport that keeps its writes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_write_buffer_size(self) -> int:
        return 0


def corked() -> tuple[CorkedTransport, Recording, list[Callable[[], None]]]:
    inner, soon = Recording(), list[Callable[[], None]]()
    return CorkedTransport(inner, soon.append), inner, soon


def test_head_and_body_are_one_write() -> None:
    transport, inner, soon = corked()
    transport.write(HEAD)
    assert transport.get_write_buffer_size() == len(HEAD)
    transport.write(b"fine")
    assert inner.writes == [HEAD + b"fine"]
    soon[0]()
    assert inner.writes == [HEAD + b"fine"]


def test_a_head_without_body_leaves_when_the_loop_turns() -> None:
    """An event stream that stays silent at first."""
    transport, inner, soon = corked()
    transport.write(HEAD)
    soon[0]()
    transport.write(b"data: 1\n\n")
    assert inner.writes == [HEAD, b"data: 1\n\n"]


def test_a_body_that_looks_like_a_head_keeps_its_place() -> None:
    transport, inner, _ = corked()
    for piece in (HEAD, b"HTTP/1.1 ", b"HTTP/1.0 ", b"x"):
        transport.write(piece)
    assert b"".join(inner.writes) == HEAD + b"HTTP/1.1 HTTP/1.0 x"


def test_a_large_body_is_not_copied() -> None:
    transport, inner, _ = corked()
    body = b"x" * (MAX_JOINED_BYTES + 1)
    transport.write(HEAD)
    transport.write(body)
    assert inner.writes == [HEAD, body]


def test_closing_sends_what_is_held_and_aborting_does_not() -> None:
    transport, inner, soon = corked()
    transport.write(HEAD)
    transport.close()
    assert (inner.writes, inner.is_closed) == ([HEAD], True)
    transport, inner, soon = corked()
    transport.write(HEAD)
    transport.abort()
    soon[0]()
    assert (inner.writes, inner.is_closed) == ([], True)
