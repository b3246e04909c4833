"""One stream of one sink: when it is sent, what happens where the other side does not take it, and who sends."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import anyio
import pytest
from sqlalchemy import delete

from oauth.errors import SealBroken
from server.config_versions.sections.sinks import LogSink
from server.log_sinks.destinations.destination import Destination
from server.log_sinks.destinations.opened import Destinations
from server.log_sinks.sender import LONGEST_WAIT_S
from server.storage.audit.reading import SqlAuditTrail
from server.storage.database import now_us
from server.storage.history.event_lines import EventLine, SqlEventLines
from server.storage.history.shipped_rows import Span, SqlShippedRows, Stream
from server.storage.history.sink_cursors import LeaseLost
from server.storage.history.tables import call_records
from tests.contracts.administration.test_audit_trail import changed
from tests.contracts.history.test_shipped_rows import followed
from tests.empty_store import put_data_directory
from tests.server.log_sinks.senders import opened_senders, sink
from tests.tools.sources.http.upstream import Got, Upstream
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put_data_directory(tmp_path)


def rows_of(got: Got) -> list[dict[str, object]]:
    return [json.loads(line) for line in got.body.splitlines()]


async def test_rows_arrive_with_what_proves_us_and_lag_ends(folder: Path) -> None:
    """A secret is read from the vault when it is needed, and is nowhere in what is on record."""
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(202, "")
        to = sink(kind="http", url=f"{upstream.base_url}/in?x=1", bearer="vault:token", headers={"X-Source": "gateway"})
        sender = senders.sender(to)
        await senders.called("a", "b")
        assert await sender.step() == 0.0
        [got] = upstream.got
        assert (got.target, got.headers["Authorization"]) == ("/in?x=1", "Bearer s3cr3t-of-the-vault")
        assert (got.headers["X-Source"], got.headers["X-Ascend-Stream"]) == ("gateway", "calls")
        assert (got.headers["Content-Type"], got.headers["Content-Encoding"]) == ("application/x-ndjson", "gzip")
        assert [row["operation"] for row in rows_of(got)] == ["a", "b"]
        assert await sender.step() > 0
        cursor = await senders.cursor()
        assert (cursor.position, cursor.sent_rows, cursor.failures, cursor.lag_s) == (2, 2, 0, 0.0)
        assert "s3cr3t" not in repr(cursor)


async def test_few_rows_wait_for_more_and_a_full_batch_does_not(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url, max_wait_s=600, max_rows=3, format="json"))
        await senders.called("a", "b", at_us=now_us())
        assert 0 < await sender.step() <= 60
        assert upstream.got == []
        # Since when they wait is on record, for whoever looks.
        assert (await senders.cursor()).behind_since_us > 0
        await senders.called("c", "d", at_us=now_us())
        assert await sender.step() == 0.0
        assert [row["operation"] for row in json.loads(upstream.got[0].body)] == ["a", "b", "c"]


async def test_a_new_sink_begins_with_what_is_kept_or_with_what_comes(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        await senders.called("before")
        kept = senders.sender(sink(name="kept", kind="http", url=upstream.base_url, begins="kept"))
        now = senders.sender(sink(name="now", kind="http", url=upstream.base_url, begins=""))
        await kept.step()
        await now.step()
        await senders.called("after")
        await now.step()
        assert [[row["operation"] for row in rows_of(got)] for got in upstream.got] == [["before"], ["after"]]


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (503, {}, "answered 503"),
        (429, {"Retry_After": "600"}, "answered 429"),
        (401, {}, "look at the secret"),
        (302, {"Location": "/x"}, "302"),
    ],
)
async def test_what_is_not_taken_comes_again_later_the_same(folder: Path, status: int, headers: dict[str, str], said: str) -> None:
    """No row is left out; how long it is left alone grows, and Retry-After is kept to."""
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(status, "secret words of the other side", **headers)
        upstream.answer(204, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url))
        await senders.called("a", "b")
        await sender.step()
        failed = await senders.cursor()
        assert (failed.failures, failed.position, failed.pending, sender.failures) == (1, 0, 2, 1)
        assert said in failed.error
        assert "secret words" not in failed.error
        wait_s = (failed.next_try_at_us - now_us()) / 1e6
        assert wait_s > 500 if headers.get("Retry_After") else wait_s < 5
        assert 0 < await sender.step() <= 60
        assert len(upstream.got) == 1
        # More came meanwhile: the next attempt is the same one all the same.
        await senders.called("c")
        sender.clock_us = lambda: failed.next_try_at_us + 1
        sender._cursor = None
        await sender.step()
        assert upstream.got[0].body == upstream.got[1].body
        assert upstream.got[0].headers["Idempotency-Key"] == upstream.got[1].headers["Idempotency-Key"]
        await sender.step()
        assert [row["operation"] for row in rows_of(upstream.got[2])] == ["c"]
        assert ((await senders.cursor()).failures, (await senders.cursor()).next_try_at_us) == (0, 0)


async def test_it_is_left_alone_for_longer_each_time_and_not_for_ever(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(500, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url))
        await senders.called("a")
        waits: list[float] = []
        for _ in range(12):
            now = now_us() if not waits else (await senders.cursor()).next_try_at_us + 1
            sender.clock_us = lambda now=now: now  # type: ignore[misc]  # mypy reads a default as an argument
            sender._cursor = None
            await sender.step()
            waits.append(((await senders.cursor()).next_try_at_us - now) / 1e6)
        assert waits[4] > 3 * waits[0]
        assert max(waits) <= 1.25 * LONGEST_WAIT_S


async def test_what_is_too_large_comes_again_in_smaller_pieces(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        for status in (413, 413, 204):
            upstream.answer(status, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url))
        await senders.called(*"abcdefgh")
        for _ in range(6):
            await sender.step()
        assert [len(rows_of(got)) for got in upstream.got] == [8, 4, 2, 4, 2]
        assert (await senders.cursor()).position == 8


async def test_rows_that_a_collector_refused_are_counted_and_not_sent_again(folder: Path) -> None:
    """OTLP: "the client MUST NOT retry the request when it receives a partial success response"."""
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(200, '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"x"}}')
        sender = senders.sender(sink(kind="otlp", url=upstream.base_url))
        await senders.called("a", "b")
        await sender.step()
        assert (upstream.got[0].target, (await senders.cursor()).position) == ("/v1/logs", 2)
        assert ((await senders.cursor()).sent_rows, (await senders.cursor()).lost_rows) == (1, 1)


async def test_rows_that_were_removed_before_they_arrived_are_counted(folder: Path) -> None:
    """What is kept for thirty days and taken by nobody is gone; the rest goes on."""
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url, max_wait_s=3_600))
        await senders.called("a", "b", "c", at_us=now_us())
        await sender.step()
        await senders.history.transact(lambda connection: connection.execute(delete(call_records).where(call_records.c.seq < 3)))
        assert await sender.step() == 0.0
        assert ((await senders.cursor()).lost_rows, (await senders.cursor()).position) == (2, 2)


async def test_a_history_that_is_swept_empty_gives_its_numbers_again_and_no_row_is_passed_over(folder: Path) -> None:
    """SQLite: what comes under the numbers of rows that arrived is not taken for them, and none that arrived counts as lost."""
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url))
        await senders.called("a", "b", "c")
        await sender.step()
        await senders.calls.forget_before(now_us())
        await senders.called("d", "e", "f")
        for _ in range(2):
            try:
                await sender.step()
            except LeaseLost:
                sender._cursor = None
        assert [row["operation"] for got in upstream.got for row in rows_of(got)] == list("abcdef")
        cursor = await senders.cursor()
        assert (cursor.sent_rows, cursor.lost_rows, cursor.position) == (6, 0, 3)


async def test_who_was_sending_rows_that_are_swept_does_not_say_that_their_numbers_arrived(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        sender = senders.sender(sink(kind="http", url=upstream.base_url))
        await senders.called("a", "b")
        destinations = senders.destinations

        class Slow:
            """Opens what rows go to after a sweep that came in between."""

            async def open(self, of: LogSink) -> Destination:
                await senders.calls.forget_before(now_us())
                return await destinations.open(of)

        sender.destinations = cast("Destinations", Slow())
        with pytest.raises(LeaseLost):
            await sender.step()
        cursor = await senders.cursor()
        assert (cursor.position, cursor.pending, cursor.lost_rows) == (0, 0, 2)


@pytest.mark.parametrize("members", [{"kind": "http", "bearer": "vault:token"}, {"kind": "s3", "keys": "vault:token"}])
async def test_a_secret_that_does_not_open_is_on_record_like_any_failure(folder: Path, members: dict[str, str]) -> None:
    async def reveal(_name: str) -> bytes | None:
        raise SealBroken("not with this key")

    async with opened_senders(folder) as senders:
        url = "s3://some?region=eu-west-1" if members["kind"] == "s3" else "http://127.0.0.1:1/"
        sender = senders.sender(sink(url=url, **members))
        sender.destinations = replace(senders.destinations, reveal=reveal)
        await senders.called("a")
        await sender.step()
        error = (await senders.cursor()).error
        assert error.startswith("vault:token does not open")
        assert "`ascend vault put token`" in error


async def test_a_fault_of_ours_is_on_record_and_ends_no_sender(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        faults: list[Exception] = [ValueError("one"), KeyError("two")]

        class Faulty(SqlShippedRows):
            async def span(self, stream: Stream) -> Span:
                if faults:
                    raise faults.pop()
                return await super().span(stream)

        async def reveal(_name: str) -> bytes | None:
            raise ZeroDivisionError

        sender = senders.sender(sink(kind="http", url=upstream.base_url, bearer="vault:token"))
        sender.reading, sender.fault_wait_s = Faulty(senders.store, senders.history), 0.0
        sender.destinations = replace(senders.destinations, reveal=reveal)
        await senders.called("a")
        async with anyio.create_task_group() as group:
            group.start_soon(sender.run)
            await until(lambda: sender.failures > 0)
            group.cancel_scope.cancel()
        assert "a fault on our side (ZeroDivisionError)" in (await senders.cursor()).error
        assert [record.message for record in caplog.records].count("log_sink_fault") == 3


async def test_one_process_sends_and_another_goes_on_where_it_was(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        to = sink(kind="http", url=upstream.base_url)
        first, second = senders.sender(to, owner="first"), senders.sender(to, owner="second")
        await senders.called("a")
        await first.step()
        await senders.called("b")
        assert (await second.step() > 1, second.seen) == (True, None)
        await senders.cursors.release("archive", "calls", "first")
        await second.step()
        assert [row["operation"] for got in upstream.got for row in rows_of(got)] == ["a", "b"]
        assert (await senders.cursor()).owner == "second"


async def test_the_trail_arrives_so_that_a_stranger_can_follow_it(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        await changed(senders.store, *range(7))
        sender = senders.sender(sink(kind="http", url=upstream.base_url, streams=["audit"], max_rows=3), "audit")
        sender.clock_us = lambda: now_us() + 10_000_000
        for _ in range(4):
            await sender.step()
        rows = [row for got in upstream.got for row in rows_of(got)]
        assert [row["seq"] for row in rows] == list(range(1, 8))
        assert followed(list(rows), str(rows[0]["before"])) == (await SqlAuditTrail(senders.store).verify()).last_hash


async def test_lines_arrive_with_their_facts(folder: Path) -> None:
    async with Upstream() as upstream, opened_senders(folder) as senders:
        upstream.answer(204, "")
        await SqlEventLines(senders.history, "node-1").append(
            [EventLine(1, "error", "housekeeping_failed", "ascend", "", '{"work":"sweep"}')]
        )
        await senders.sender(sink(kind="http", url=upstream.base_url, streams=["lines"]), "lines").step()
        [row] = rows_of(upstream.got[0])
        assert (row["event"], row["level"], row["facts"], row["node"]) == ("housekeeping_failed", "error", {"work": "sweep"}, "node-1")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"kind": "http", "url": "http://10.1.2.3/x"}, "ASCEND_EGRESS_ALLOW=host:port"),
        ({"kind": "http", "url": "http://127.0.0.1:1/x"}, "could not be reached"),
        ({"kind": "http", "url": "http://127.0.0.1:1/x", "bearer": "vault:missing"}, "vault:missing of `bearer` is not there"),
        ({"kind": "s3", "url": "s3://some?region=eu-west-1"}, "nobody said whose keys open bucket some"),
        ({"kind": "s3", "url": "s3://UPPER"}, "is no bucket"),
        ({"kind": "s3", "url": "s3://some?region=eu-west-1", "keys": "vault:token"}, "vault:token does not hold the keys of bucket some"),
    ],
)
async def test_why_nothing_arrives_is_on_record_with_the_way_out(
    folder: Path, members: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with opened_senders(folder) as senders:
        await senders.called("a")
        await senders.sender(sink(**members)).step()
        assert said in (await senders.cursor()).error
        assert "s3cr3t" not in (await senders.cursor()).error
