"""Experiments that hold themselves."""

import logging
from collections.abc import AsyncIterator, Mapping

import anyio
import pytest

from server.storage.ai_gateway.configurations import SqlAiConfigs
from server.storage.ai_gateway.feedback import SqlFeedbackStore
from server.storage.ai_gateway.model_calls import SqlModelCallStore
from tests.contracts.ai_gateway.model_calls import call
from tests.waiting import until
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.configuration.versions import ExperimentHold
from tools.ai_gateway.experiments.arm_call import ArmCall
from tools.ai_gateway.experiments.opinions import Opinions
from tools.ai_gateway.experiments.watch import ExperimentWatch
from tools.ai_gateway.feedback import CallFeedback
from tools.ai_gateway.stores import ClosedCall
from tools.operation import Json

FAILED = ArmCall("cf", "b", is_error=True, is_fallback=False, ms=10)


def trial(arm: str = "standard", **rule: Json) -> Json:
    hold = {"min_calls": 10, "error_rate": 0.05} | rule
    return {"experiments": [{"name": "cf", "route": "bulk", "arms": {"b": arm}, "share": {"b": 1.0}, "hold": hold}]}


class World:
    """A running watch over a store; `follow` is what the change feed does."""

    def __init__(self, store: SqlAiConfigs) -> None:
        self.store, self.live = store, LiveConfig(store)
        self.calls, self.feedback = SqlModelCallStore(store._database), SqlFeedbackStore(store._database)
        self.watch = ExperimentWatch(lambda: self.live.current, store, self.feedback)

    async def follow(self) -> None:
        await self.live.changed(())

    async def holds(self) -> Mapping[str, ExperimentHold]:
        return await self.store.holds()

    async def is_held(self) -> bool:
        return bool(await self.holds())


@pytest.fixture
async def world(store: SqlAiConfigs) -> AsyncIterator[World]:
    made = World(store)
    await ConfigChanges(store).apply(trial(), "")
    await made.follow()
    async with anyio.create_task_group() as group:
        group.start_soon(made.watch.run)
        yield made
        group.cancel_scope.cancel()


async def test_an_arm_that_fails_is_held_with_an_alert_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "ascend"):
        for _ in range(10):
            world.watch.closed(call(outcome="error", status=502))
        await until(world.is_held)
        await until(lambda: "ai_experiment_held" in caplog.messages)
    held = (await world.holds())["cf"]
    assert (held.why, held.by) == ("arm b: 10 errors in 10 calls, more than 5.0%", "the gateway itself")
    await world.follow()
    assert world.live.current.experiments["cf"].held == held.why


async def test_callers_who_leave_or_send_nonsense_hold_nothing(world: World) -> None:
    for _ in range(50):
        world.watch.closed(call(outcome="cancelled"))
        world.watch.closed(call(outcome="error", status=400))
        world.watch.closed(call())
    await world.store.hold("marker", "the writer would have come by", "")
    assert set(await world.holds()) == {"marker"}


async def test_after_a_hold_counting_begins_anew(world: World) -> None:
    """What led to the hold is no reason for the next one."""
    for _ in range(10):
        world.watch.observe(FAILED)
    await until(world.is_held)
    await world.follow()
    world.watch.observe(FAILED)
    await world.store.resume("cf")
    await world.follow()
    for _ in range(9):
        world.watch.observe(FAILED)
    assert not await world.is_held()
    world.watch.observe(FAILED)
    await until(world.is_held)


async def test_an_arm_that_leads_elsewhere_is_counted_anew(world: World) -> None:
    for _ in range(9):
        world.watch.observe(FAILED)
    await ConfigChanges(world.store).apply(trial("bulk"), "")
    await world.follow()
    world.watch.observe(FAILED)
    assert not await world.is_held()


async def test_control_and_experiments_that_are_gone_are_not_judged(world: World) -> None:
    for _ in range(50):
        world.watch.observe(ArmCall("cf", "control", is_error=True, is_fallback=True, ms=1))
        world.watch.observe(ArmCall("gone", "b", is_error=True, is_fallback=True, ms=1))
    assert not await world.is_held()


async def test_an_arm_is_judged_by_what_people_say_of_it_as_it_is(world: World) -> None:
    clock = [1_000.0]
    opinions = Opinions(lambda: world.live.current, world.feedback, lambda: clock[0])

    async def judge(arm: str, score: float, count: int, at_s: float) -> None:
        records = [call(experiment=f"cf/{arm}") for _ in range(count)]
        await world.calls.append([ClosedCall(each) for each in records])
        for each in records:
            assert await world.feedback.give(CallFeedback("acme", each.id, score, "", int(at_s * 1_000_000)))

    await ConfigChanges(world.store).apply(trial(quality=0.2), "")
    await world.follow()
    await judge("b", -1.0, 10, at_s=999)
    assert await opinions.breaches() == {}, "what was said before is not about this"
    await judge("control", -1.0, 10, at_s=1_001)
    await judge("b", 0.1, 9, at_s=1_001)
    assert await opinions.breaches() == {}, "too few"
    await judge("b", 0.1, 1, at_s=1_001)
    assert await opinions.breaches() == {"cf": "arm b: quality of 0.10 in 10 opinions, less than 0.20"}
    await world.store.hold("cf", "by hand", "")
    await world.follow()
    assert await opinions.breaches() == {}
    await world.store.resume("cf")
    await world.follow()
    clock[0] = 1_002
    assert await opinions.breaches() == {}, "it begins anew"


async def test_feedback_holds_an_experiment_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.ai_gateway.experiments.watch.OPINIONS_EVERY_S", 0.01)
    await ConfigChanges(world.store).apply(trial(quality=0.2), "")
    await world.follow()
    records = [call(experiment="cf/b") for _ in range(10)]
    await world.calls.append([ClosedCall(each) for each in records])
    far_away = 4_000_000_000_000_000
    for each in records:
        assert await world.feedback.give(CallFeedback("acme", each.id, -1.0, "", far_away))
    await until(world.is_held)
    assert (await world.holds())["cf"].why.startswith("arm b: quality of -1.00")


async def test_a_store_that_is_away_for_a_moment_costs_no_hold(store: SqlAiConfigs, monkeypatch: pytest.MonkeyPatch) -> None:
    class Flaky(SqlAiConfigs):
        failures = 1

        async def hold(self, name: str, why: str, by: str) -> bool:
            if self.failures:
                self.failures -= 1
                raise OSError("away")
            return await store.hold(name, why, by)

    monkeypatch.setattr("tools.ai_gateway.experiments.watch.RETRY_S", 0.01)
    world = World(store)
    await ConfigChanges(store).apply(trial(), "")
    await world.follow()
    watch = ExperimentWatch(lambda: world.live.current, Flaky(store._database), world.feedback)
    async with anyio.create_task_group() as group:
        group.start_soon(watch.run)
        for _ in range(10):
            watch.observe(FAILED)
        await until(world.is_held)
        group.cancel_scope.cancel()
