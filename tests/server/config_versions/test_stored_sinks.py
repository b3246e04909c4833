"""A gateway that starts with sinks which were applied before they broke a rule: it starts, sends nothing there, and says why."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.gateway import opened
from tests.server.admin.call_records import call_record
from tests.waiting import until
from tools.operation import Json


def with_sink(url: str) -> Mapping[str, Json]:
    sink = {"name": "archive", "kind": "http", "url": url, "streams": ["calls"], "begins": "kept", "max_wait_s": 0.1}
    return {"sinks": {"logs": [sink]}, "retention": {"calls_days": 7}}


async def stored(folder: Path, url: str) -> None:
    """Keep a version as an older release would have taken it."""
    async with opened(folder) as gateway:
        await gateway.store.config_versions.put(with_sink(url), "an older release")


async def test_a_sink_in_the_clear_that_is_public_by_now_is_not_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await stored(tmp_path, "http://logs.example.com/rows")
    async with opened(tmp_path) as gateway:
        assert gateway.config.current.sinks.logs == ()
        assert gateway.config.current.retention.calls_days == 7
        [fault] = gateway.config.refused["sinks"]
        assert fault.startswith("sinks.logs[0].url")
    assert "config_section_not_taken_over" in [record.message for record in caplog.records]


async def test_a_sink_within_the_house_that_nobody_let_through_says_how(tmp_path: Path) -> None:
    """Its name may have led elsewhere once: what counts is where it leads now, at every request."""
    await stored(tmp_path, "http://10.1.2.3:9000/rows")

    async with opened(tmp_path) as gateway:
        await gateway.store.calls.append_calls([call_record()])

        async def says() -> bool:
            return any("ASCEND_EGRESS_ALLOW" in each.error for each in await gateway.store.sink_cursors.all())

        await until(says)
        assert gateway.config.refused == {}
