"""A provider of models that costs next to nothing: answers at once, or streams without an end, 20 events a second each.

python -m benchmarks.model_upstream PORT
"""

import asyncio
import json
import sys
from typing import Final

import uvloop

GAP_S: Final = 0.05
#: streams take turns, so that not all events come at the same moment
PHASES: Final = 10
_CHUNK: Final = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_USAGE: Final = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
_MESSAGE: Final = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Well done."}}
_ANSWER: Final = json.dumps(_CHUNK | {"object": "chat.completion", "choices": [_MESSAGE], "usage": _USAGE}).encode()
WHOLE: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_ANSWER), _ANSWER)
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_WORD: Final = b"data: " + json.dumps(_CHUNK | {"choices": [{"index": 0, "delta": {"content": "word "}}]}).encode() + b"\n\n"
EVENT: Final = b"%x\r\n%b\r\n" % (len(_WORD), _WORD)


class ModelServer(asyncio.Protocol):
    """One connection. `phases` holds the streams that are open, by whose turn it is together."""

    def __init__(self, phases: list[set[asyncio.Transport]]) -> None:
        self._phases, self._received = phases, bytearray()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as a stream connection gives it
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = bytes(self._received).partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0):
            return
        self._received.clear()
        if b'"stream":true' not in body.replace(b" ", b""):
            self._transport.write(WHOLE)
            return
        self._transport.write(HEAD + EVENT)
        min(self._phases, key=len).add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for phase in self._phases:
            phase.discard(self._transport)


async def serve(port: int) -> None:
    """Serve until cancelled."""
    phases: list[set[asyncio.Transport]] = [set() for _ in range(PHASES)]
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: ModelServer(phases), "127.0.0.1", port, backlog=1_024):
        next_s, turn = loop.time(), 0
        while True:
            next_s, turn = max(loop.time(), next_s + GAP_S / PHASES), (turn + 1) % PHASES
            await asyncio.sleep(next_s - loop.time())
            for transport in tuple(phases[turn]):
                transport.write(EVENT)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
