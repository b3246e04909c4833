"""An answer to HEAD is a head: what followed it would be read as the next answer on the connection."""

import asyncio

from starlette.types import Receive, Scope, Send

from server.http.buffered_exchange import buffered_exchange
from server.http.listen import listen
from server.http.server import HttpServer


async def in_one_write(scope: Scope, _receive: Receive, _send: Send) -> None:
    whole = buffered_exchange(scope)
    assert whole is not None
    assert whole.answer(404, [(b"content-type", b"text/plain")], b"nothing here")


async def test_an_answer_to_head_has_no_body_and_the_connection_lives_on() -> None:
    """RFC 9112 §6.3."""
    listener = listen("127.0.0.1", 0)
    port = int(listener.getsockname()[1])
    server = HttpServer(in_one_write, authority=f"127.0.0.1:{port}")
    serving = asyncio.create_task(server.serve([listener]))
    await server.until_ready()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            for method in ("HEAD", "GET"):
                writer.write(f"{method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 404")
                assert b"content-length: 12" in head
            assert await reader.readexactly(12) == b"nothing here"
    finally:
        writer.close()
        server.should_exit = True
        await serving
