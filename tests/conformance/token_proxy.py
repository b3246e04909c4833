"""A loopback proxy that adds a bearer token: the conformance suite cannot send one itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import AnyByteReceiveStream, AnyByteSendStream, ByteStream, TaskStatus
from anyio.from_thread import start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream

HEAD_LIMIT_BYTES = 64 * 1024


@contextmanager
def token_proxy(target_port: int, token: str) -> Iterator[int]:
    """Forward to `target_port` on loopback while entered, and yield the port to talk to.

    Host and Origin pass through untouched, because the suite tests what the server makes of them. One request a connection:
    so only the first head of each has to be read.
    """

    async def forward(client: ByteStream) -> None:
        async with client:
            try:
                received = BufferedByteReceiveStream(client)
                head = await received.receive_until(b"\r\n\r\n", HEAD_LIMIT_BYTES)
                async with await anyio.connect_tcp("127.0.0.1", target_port) as upstream, anyio.create_task_group() as group:
                    await upstream.send(with_token(head, token))
                    group.start_soon(_pump, received, upstream, group.cancel_scope)
                    group.start_soon(_pump, upstream, client, group.cancel_scope)
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, OSError):
                return  # either side went away before its request was whole

    async def serve(*, task_status: TaskStatus[int]) -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
        async with listener:
            await listener.serve(forward)

    with start_blocking_portal() as portal:
        serving, port = portal.start_task(serve)
        try:
            yield port
        finally:
            serving.cancel()


def with_token(head: bytes, token: str) -> bytes:
    """Return a request head with the token, for a connection that ends with its answer."""
    request_line, *fields = head.split(b"\r\n")
    kept = [field for field in fields if field.partition(b":")[0].lower() not in (b"authorization", b"connection")]
    return b"\r\n".join([request_line, *kept, b"Authorization: Bearer " + token.encode(), b"Connection: close", b"", b""])


async def _pump(source: AnyByteReceiveStream, sink: AnyByteSendStream, scope: anyio.CancelScope) -> None:
    """Copy until either end closes, then end the other direction too: so the gateway sees a client go away."""
    try:
        while True:
            await sink.send(await source.receive())
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        scope.cancel()
