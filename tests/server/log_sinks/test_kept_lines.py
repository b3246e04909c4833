"""Log lines that are kept: where somebody wants them, without secrets, and fewer rather than all that a loop of errors says."""

import logging
from collections.abc import Iterator, Sequence

import anyio
import orjson
import pytest

from server.log_sinks.kept_lines import CAPACITY, LINES_PER_TURN, KeptLines
from server.storage.history.event_lines import EventLine
from tests.waiting import until

log = logging.getLogger("ascend.test_of_lines")


class Store:
    def __init__(self) -> None:
        self.lines: list[EventLine] = []
        self.is_away = False
        self.fault: Exception | None = None

    async def append(self, lines: Sequence[EventLine]) -> None:
        if self.is_away:
            raise OSError("away")
        if self.fault is not None:
            raise self.fault
        self.lines += lines


@pytest.fixture
def kept() -> Iterator[tuple[KeptLines, Store]]:
    """Lines as they are taken, without the loop that has them written."""
    store = Store()
    handler = KeptLines(store, lambda: True)
    log.addHandler(handler)
    log.setLevel("INFO")
    yield handler, store
    log.removeHandler(handler)


async def test_a_line_is_kept_with_its_facts_and_without_secrets(kept: tuple[KeptLines, Store]) -> None:
    handler, store = kept
    log.debug("too_quiet")
    facts = {"sink": "a", "rows": 3, "trace_id": "t" * 32, "said": "Authorization: Bearer abcdefghijklmnop"}
    try:
        raise ValueError("password=geheim123")
    except ValueError:
        log.exception("it_failed", extra={"facts": facts})
    await handler.keep()
    [line] = store.lines
    assert (line.level, line.event, line.logger, line.trace_id) == ("error", "it_failed", "ascend.test_of_lines", "t" * 32)
    said = orjson.loads(line.facts)
    assert (said["sink"], said["rows"]) == ("a", 3)
    assert "ValueError" in said["exception"]
    assert "geheim123" not in line.facts
    assert "abcdefghijklmnop" not in line.facts


async def test_a_line_that_cannot_be_told_is_counted_and_the_others_are_kept(kept: tuple[KeptLines, Store]) -> None:
    """A format that does not fit what it is given; half a surrogate pair, which no store takes; a number beyond 64 bits."""
    handler, store = kept
    # Straight to it: others that listen here raise, and what a test says goes on to another process as UTF-8.
    handler.handle(log.makeRecord(log.name, logging.INFO, __file__, 1, "%d rows", ("no number",), None))
    extra = {"facts": {"said": "half \ud800 é", "number": 2**70, "trace_id": "t\udfff"}}
    handler.handle(log.makeRecord(log.name, logging.INFO, __file__, 1, "odd\ud800\x00", (), None, extra=extra))
    await handler.keep()
    [line] = store.lines
    assert handler.dropped == 1
    assert (line.event, line.trace_id) == ("odd\\ud800\\u0000", "t\\udfff")
    assert "half ? é" in line.facts
    assert str(2**70) in line.facts


async def test_a_store_that_does_not_take_lines_costs_no_more_than_them(kept: tuple[KeptLines, Store]) -> None:
    handler, store = kept
    store.fault = ValueError("a fault of ours")
    log.info("lost")
    await handler.keep()
    store.fault = OSError("away")
    log.info("lost too")
    await handler.keep()
    assert (handler.dropped, store.lines) == (2, [])


async def test_a_line_too_long_is_cut_and_too_many_are_counted(kept: tuple[KeptLines, Store]) -> None:
    handler, store = kept
    log.info("long", extra={"facts": {"text": "x y " * 5_000}})
    await handler.keep()
    assert len(orjson.loads(store.lines.pop().facts)["cut"]) == 4_000
    for number in range(CAPACITY + 10):
        log.info("many", extra={"facts": {"number": number}})
    await handler.keep()
    assert (len(store.lines), handler.dropped) == (LINES_PER_TURN, CAPACITY + 10 - LINES_PER_TURN)


async def test_a_store_that_is_away_costs_lines_and_nothing_else(kept: tuple[KeptLines, Store]) -> None:
    handler, store = kept
    store.is_away = True
    log.info("lost")
    await handler.keep()
    store.is_away = False
    log.info("kept")
    await handler.keep()
    assert ([line.event for line in store.lines], handler.dropped) == (["kept"], 1)


async def test_lines_are_taken_only_for_as_long_as_somebody_wants_them() -> None:
    store, is_wanted = Store(), True
    handler = KeptLines(store, lambda: is_wanted)
    root = logging.getLogger()
    async with anyio.create_task_group() as group:
        group.start_soon(handler.run)
        await until(lambda: handler in root.handlers)
        is_wanted = False
        await until(lambda: handler not in root.handlers)
        is_wanted = True
        await until(lambda: handler in root.handlers)
        logging.getLogger("ascend").warning("at_the_end")
        group.cancel_scope.cancel()
    assert handler not in root.handlers
    assert "at_the_end" in [line.event for line in store.lines]
