"""What rows that leave cost: `python -m benchmarks.log_sinks`.

Calls of a full history go to a URL on loopback, as fast as they are taken. The yardstick is the same rows written as JSON and gzipped, and
nothing else, in the same run. Beside it: how long the event loop was held up meanwhile, and what a log line costs whoever logs.
"""

import gzip
import logging
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
from aiohttp import web

from server.config.store import sqlite_url
from server.config_versions.sections.sinks import LogSink
from server.log_sinks.batch import GZIP_LEVEL
from server.log_sinks.destinations.opened import Destinations
from server.log_sinks.kept_lines import KeptLines
from server.log_sinks.sender import StreamSender
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.event_lines import EventLine
from server.storage.history.shipped_rows import SqlShippedRows
from server.storage.history.sink_cursors import SqlSinkCursors
from server.storage.migrate import HISTORY, migrate
from tools.egress.client import Egress
from tools.stores import CallRecord

ROWS, BATCH_ROWS, LINES = 100_000, 5_000, 200_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(_measure, Path(folder))
    anyio.run(_lines)


async def _measure(folder: Path) -> None:
    url = sqlite_url(folder / "history.sqlite3")
    await migrate(url, HISTORY)
    history = Database(url)
    await _fill(SqlCallHistory(history, "node-1"))
    reading = SqlShippedRows(history, history)
    yardstick_s = await _written(reading)
    async with _taking() as to, Egress(["127.0.0.1:*"]) as egress:
        sink = LogSink(name="bench", kind="http", url=to, streams=("calls",), begins="kept", max_rows=BATCH_ROWS)

        async def reveal(_name: str) -> bytes | None:
            return None

        sender = StreamSender(sink, "calls", "bench", reading, SqlSinkCursors(history), Destinations(egress, reveal, "bench"))
        idle: list[float] = []
        with anyio.move_on_after(5):
            await _watch(idle)
        held: list[float] = []
        begun, cpu = time.perf_counter(), time.process_time()
        async with anyio.create_task_group() as group:
            group.start_soon(_watch, held)
            while (await sender.step()) == 0.0:
                pass
            group.cancel_scope.cancel()
        took_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    await history.close()
    print(f"written as JSON and gzipped: {ROWS / yardstick_s:,.0f} rows/s")
    print(f"read, cleaned, sent and on record: {ROWS / took_s:,.0f} rows/s, {took_s / yardstick_s:.1f} of the yardstick")
    print(f"of a core at 1,000 calls/s: {cpu_s / ROWS * 1_000:.1%}, the server that takes them included")
    print(f"the loop was late: {_told(idle)} with nothing to do, {_told(held)} while rows were sent")


def _told(late: list[float]) -> str:
    late.sort()
    return ", ".join(
        f"{late[int((len(late) - 1) * share)] * 1e3:.1f} ms {name}" for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )


async def _fill(calls: SqlCallHistory) -> None:
    now_us = time.time_ns() // 1_000 - ROWS
    for start in range(0, ROWS, 2_000):
        await calls.append_calls([_call(number, now_us + number) for number in range(start, start + 2_000)])


def _call(number: int, at_us: int) -> CallRecord:
    failed = number % 33 == 0
    return CallRecord(
        tenant_id=f"tenant-{number % 20}",
        tool="call_api",
        operation=f"crm.objects.operation_{number % 400}",
        auth_method="access_token",
        duration_ms=12.5 + number % 90,
        success=not failed,
        error_code="upstream_http_error" if failed else None,
        trace_id=f"{at_us:012x}{number:020x}",
        subject=f"sub_{number % 50:016x}",
        client_id="https://client.example/metadata.json",
        called_at_us=at_us,
        error_class="upstream" if failed else "",
        reason="the upstream answered 503" if failed else "",
    )


async def _written(reading: SqlShippedRows) -> float:
    """Return how long it takes to write all rows as they are, without reading, cleaning or sending them."""
    span, took_s = await reading.span("calls"), 0.0
    for after in range(span.first - 1, span.last, BATCH_ROWS):
        rows = await reading.rows("calls", after, span.last, BATCH_ROWS)
        begun = time.perf_counter()
        gzip.compress(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows), GZIP_LEVEL)
        took_s += time.perf_counter() - begun
    return took_s


async def _watch(held: list[float]) -> None:
    """Note by how much each wait of a millisecond was longer."""
    while True:
        begun = time.perf_counter()
        await anyio.sleep(0.001)
        held.append(time.perf_counter() - begun - 0.001)


@asynccontextmanager
async def _taking() -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/", take)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


class _Nowhere:
    async def append(self, lines: Sequence[EventLine]) -> None:
        pass


class _Bare(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.waiting = deque[logging.LogRecord](maxlen=5_000)

    def emit(self, record: logging.LogRecord) -> None:
        self.waiting.append(record)


async def _lines() -> None:
    logger = logging.Logger("bench")
    for name, handler in (("a bare handler", _Bare()), ("a line that is kept", KeptLines(_Nowhere(), lambda: True))):
        logger.handlers = [handler]
        begun = time.perf_counter()
        for number in range(LINES):
            logger.info("it_happened", extra={"facts": {"number": number}})
        print(f"{name}: {(time.perf_counter() - begun) / LINES * 1e6:.1f} µs for whoever logs")


if __name__ == "__main__":
    main()
