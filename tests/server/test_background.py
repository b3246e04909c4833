"""What runs beside the requests: a fault in one part is logged, and ends neither the others nor the gateway."""

import anyio
import pytest

from server.background import kept_up


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
