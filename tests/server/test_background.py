"""What runs beside the requests: a fault in one part is logged, and ends neither the others nor the gateway."""

from pathlib import Path

import anyio
import pytest

from server.background import kept_up
from server.observability.token_exchanges import TokenExchanges
from tests.gateway import opened
from tests.waiting import until


async def test_a_part_that_fails_is_begun_again_until_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([ValueError("one"), ExceptionGroup("of a group", [KeyError("two")])])

    async def part() -> None:
        if (fault := next(faults, None)) is not None:
            raise fault

    await kept_up(part, first_wait_s=0.0)
    said = [record for record in caplog.records if record.message == "background_part_failed"]
    assert [record.facts["kind"] for record in said] == ["ValueError", "ExceptionGroup"]  # type: ignore[attr-defined]
    assert said[0].facts["part"].endswith("part")  # type: ignore[attr-defined]


async def test_a_part_ends_when_it_is_cancelled() -> None:
    ended = []

    async def part() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("ended")

    async with anyio.create_task_group() as group:
        group.start_soon(kept_up, part)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert ended == ["ended"]


async def test_a_gateway_outlives_a_part_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_exchanges: TokenExchanges) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(TokenExchanges, "run", broken)
    async with opened(tmp_path) as gateway:
        await until(lambda: "background_part_failed" in [record.message for record in caplog.records])
        assert await gateway.store.database.ping() is None
