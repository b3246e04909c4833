"""Answers in one write have a status line for whatever a provider may answer."""

import asyncio
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send

from server.http.buffered_exchange import _STATUS_LINES, buffered_exchange
from tests.server.http.connection_in_process import Noting, deliver


@pytest.mark.parametrize(("status", "line"), [(200, b"HTTP/1.1 200 OK\r\n"), (529, b"HTTP/1.1 529 \r\n"), (499, b"HTTP/1.1 499 \r\n")])
def test_a_status_that_nobody_registered_is_a_status(status: int, line: bytes) -> None:
    """RFC 9110 §15; Anthropic answers 529 when it is overloaded, and its clients wait for just that."""
    assert _STATUS_LINES[status] == line


@pytest.mark.parametrize("status", [199, 600, 999])
def test_a_status_that_there_is_not_is_declined_before_anything_is_sent(status: int) -> None:
    """Who asked is answered otherwise; else it waited for ever."""

    class Answering(Noting):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            whole = buffered_exchange(scope)
            assert whole is not None
            assert not whole.answer(status, [], b"odd")
            assert whole.answer(502, [], b"no")

    line = asyncio.run(deliver(cast("Any", Answering()), [b"GET / HTTP/1.1\r\nHost: gateway.test:8080\r\n\r\n"]))
    assert line.written.startswith(b"HTTP/1.1 502 ")
