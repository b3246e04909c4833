"""Answers in one write have a status line for whatever a provider may answer."""

import pytest

from server.http.buffered_exchange import _STATUS_LINES


@pytest.mark.parametrize(("status", "line"), [(200, b"HTTP/1.1 200 OK\r\n"), (529, b"HTTP/1.1 529 \r\n"), (499, b"HTTP/1.1 499 \r\n")])
def test_a_status_that_nobody_registered_is_a_status(status: int, line: bytes) -> None:
    """RFC 9110 §15; Anthropic answers 529 when it is overloaded, and its clients wait for just that."""
    assert _STATUS_LINES[status] == line
