"""All sinks of a process: as the configuration says, without a restart, each by itself."""

from pathlib import Path

import anyio

from server.config_versions.sections.sinks import Sinks
from server.log_sinks.sending import LogSinks
from tests.empty_store import put_data_directory
from tests.server.log_sinks.senders import Senders, opened_senders, sink
from tests.tools.sources.http.upstream import Upstream
from tests.waiting import until


async def test_sinks_come_and_go_and_one_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    async with Upstream() as upstream, opened_senders(put_data_directory(tmp_path)) as senders:
        upstream.answer(204, "")
        works = sink(name="works", kind="http", url=upstream.base_url)
        broken = sink(name="broken", kind="http", url="http://127.0.0.1:1/")
        said = Sinks((broken, works))
        sinks = LogSinks(lambda: said, senders.reading, senders.cursors, senders.destinations)
        await senders.called("a")
        async with anyio.create_task_group() as group:
            group.start_soon(sinks.run)
            await until(lambda: len(upstream.got) == 1)
            assert {sender.sink.name for sender in sinks.senders()} == {"works", "broken"}
            said = Sinks((sink(name="works", kind="http", url=f"{upstream.base_url}/elsewhere"),))
            await until(lambda: [sender.sink.url for sender in sinks.senders()] == [f"{upstream.base_url}/elsewhere"])
            await senders.called("b")
            # Its name is the same: it goes on where it was.
            await until(lambda: len(upstream.got) == 2)
            assert [got.target for got in upstream.got] == ["/", "/elsewhere"]
            group.cancel_scope.cancel()
        assert upstream.got[1].body.count(b"\n") == 1
        # Who ends in order gives the lease back.
        assert await senders.cursors.take("works", "calls", "another", 1) is not None


async def test_of_two_processes_one_sends_each_row(tmp_path: Path) -> None:
    async with Upstream() as upstream, opened_senders(put_data_directory(tmp_path)) as senders:
        upstream.answer(204, "")
        said = Sinks((sink(kind="http", url=upstream.base_url),))
        await senders.called(*"abcdef")
        async with anyio.create_task_group() as group:
            for owner in ("one", "two"):
                group.start_soon(LogSinks(lambda: said, senders.reading, senders.cursors, senders.destinations, owner).run)
            await until(lambda: bool(upstream.got))
            await until(lambda: _arrived(senders))
            group.cancel_scope.cancel()
        assert b"".join(got.body for got in upstream.got).count(b"\n") == 6


async def _arrived(senders: Senders) -> bool:
    return [cursor.position for cursor in await senders.cursors.all()] == [6]
