"""`ascend trace` with the lines that are kept, and `ascend sinks`: what each sink is at, and why."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from server.config.store import sqlite_url
from server.storage.database import Database, now_us
from server.storage.history.event_lines import EventLine, SqlEventLines
from server.storage.history.sink_cursors import SqlSinkCursors
from tests.command_line import answered, ascend_here
from tests.empty_store import put_data_directory

TRACE_ID = "0192f0c1a2b3c4d5e6f708192a3b4c5d"
SINKS = """
[[sinks.logs]]
name = "archive"
kind = "s3"
url = "s3://logs"
streams = ["calls", "audit"]

[[sinks.logs]]
name = "service"
kind = "http"
url = "https://logs.example/in"
streams = ["calls"]
"""


def in_history(folder: Path, work: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = Database(sqlite_url(folder / "history.sqlite3"))
        await work(database)
        await database.close()

    anyio.run(run)


def test_lines_of_a_trace_stand_among_what_happened(tmp_path: Path) -> None:
    async def logged(database: Database) -> None:
        line = EventLine(now_us(), "error", "call_row_dropped", "server", TRACE_ID, '{"reason":"it said no"}')
        await SqlEventLines(database, "node-1").append([line])

    in_history(put_data_directory(tmp_path), logged)
    [row] = answered(ascend_here("trace", TRACE_ID, "--json", data_dir=tmp_path))
    assert (row["kind"], row["what"], row["level"], row["node"], row["reason"]) == (
        "line",
        "call_row_dropped",
        "error",
        "node-1",
        "it said no",
    )


def test_sinks_say_what_they_are_at_and_what_keeps_them(tmp_path: Path) -> None:
    put_data_directory(tmp_path)
    assert answered(ascend_here("sinks", "--json", data_dir=tmp_path)) == []
    assert "[[sinks.logs]]" in ascend_here("sinks", data_dir=tmp_path).stdout
    (tmp_path / "sinks.toml").write_text(SINKS, encoding="utf-8")
    assert ascend_here("config", "apply", str(tmp_path / "sinks.toml"), data_dir=tmp_path).returncode == 0

    async def sent(database: Database) -> None:
        cursors = SqlSinkCursors(database)
        for name, stream in (("archive", "calls"), ("service", "calls"), ("of-before", "calls")):
            await cursors.begin(name, stream, 0)
        archive, service = await cursors.take("archive", "calls", "a", 10**7), await cursors.take("service", "calls", "a", 10**7)
        assert archive is not None
        assert service is not None
        await cursors.arrived(archive, 7, 7, 0, 0)
        await cursors.stands(service, now_us() - 90_000_000)
        await cursors.failed(service, "https://logs.example/in answered 503", now_us())

    in_history(tmp_path, sent)
    rows = answered(ascend_here("sinks", "--json", data_dir=tmp_path))
    assert [(row["sink"], row["stream"], row["state"], row["arrived"]) for row in rows] == [
        ("archive", "calls", "up to date", 7),
        ("archive", "audit", "not begun", 0),
        ("service", "calls", "failing", 0),
    ]
    assert rows[2]["lag_s"] >= 90
    assert rows[2]["why"] == "https://logs.example/in answered 503"
