"""Asking a source: its pace holds whatever the answers take, and what it says of waiting is heeded."""

from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import pytest

from tools.errors import ToolError
from tools.large_json import LargeJson
from tools.operation import Failure, Outcome
from tools.workflows.ingestion.asking import Asking
from tools.workflows.ingestion.pace import Pace, Time
from tools.workflows.run import Run


@dataclass
class Source:
    """Answers one thing after the other, each after so many seconds of a clock of its own; notes when it was asked."""

    answers: list[Any]
    takes_s: float = 0.0
    now_s: float = 100.0
    asked_s: list[float] = field(default_factory=list)

    async def ask(self, _operation: str, _arguments: Any) -> Outcome:
        self.asked_s.append(self.now_s)
        self.now_s += self.takes_s
        answer = self.answers.pop(0)
        if isinstance(answer, Failure):
            raise ToolError(answer)
        return Outcome("ok", data=answer)

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def asking(self, per_s: float = 3) -> Asking:
        time = Time(now_s=lambda: self.now_s, sleep=self.sleep)
        return Asking(cast(Run, self), Pace(per_s, time), time)


def failure(code: str = "upstream_error", **more: Any) -> Failure:
    return Failure(code, "not now", **more)


@pytest.mark.parametrize("takes_s", [0.0, 0.01, 0.5])
async def test_no_second_sees_more_than_three(takes_s: float) -> None:
    source = Source([{}] * 30, takes_s)
    asking = source.asking()

    async def ten() -> None:
        for _ in range(10):
            await asking.ask("gong.calls.list", {})

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ten)
    assert max(sum(at <= other < at + 1 for other in source.asked_s) for at in source.asked_s) <= 3


async def test_what_may_pass_is_asked_for_again_after_growing_waits() -> None:
    source = Source([failure(retryable=True), failure(retryable=True), {"n": 1}])
    assert (await source.asking().ask("x", {})).data == {"n": 1}
    first, second, third = source.asked_s
    assert second - first >= 1
    assert third - second >= 2


async def test_retry_after_is_the_least_that_is_waited() -> None:
    source = Source([failure("upstream_rate_limited", retryable=True, retry_after_s=17), {}])
    await source.asking().ask("x", {})
    assert source.asked_s[1] - source.asked_s[0] >= 17


async def test_longer_than_a_minute_is_for_the_step_to_wait() -> None:
    source = Source([failure(retryable=True, retry_after_s=3600)])
    with pytest.raises(ToolError) as raised:
        await source.asking().ask("x", {})
    assert raised.value.failure.retry_after_s == 3600


async def test_what_may_not_pass_is_asked_for_once() -> None:
    source = Source([failure("upstream_rejected")])
    with pytest.raises(ToolError):
        await source.asking().ask("x", {})
    assert len(source.asked_s) == 1


async def test_a_session_that_ended_is_given_time_to_be_renewed() -> None:
    source = Source([failure("upstream_unauthorized")] * 4 + [{}])
    await source.asking().ask("x", {})
    assert source.asked_s[-1] - source.asked_s[0] >= 1 + 2 + 4
    refused = Source([failure("upstream_unauthorized")] * 9)
    with pytest.raises(ToolError):
        await refused.asking().ask("x", {})
    assert len(refused.asked_s) == 5


async def test_a_large_answer_is_read() -> None:
    source = Source([LargeJson(b'{"calls": [1, 2]}')])
    assert (await source.asking().ask("x", {})).data == {"calls": [1, 2]}
