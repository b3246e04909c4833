"""Experiments that go on by themselves: an arm gets its next share when it has shown enough calls and broken no rule."""

import logging
from collections.abc import AsyncIterator

import anyio
import pytest

from server.storage.ai_gateway.configurations import SqlAiConfigs
from tests.tools.ai_gateway.experiments.test_watch import FAILED, World
from tests.waiting import until
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.experiments.arm_call import ArmCall
from tools.ai_gateway.experiments.report import experiment_json
from tools.operation import Json

WELL = ArmCall("cf", "b", is_error=False, is_fallback=False, ms=10)


def trial(*steps: float, arm: str = "standard") -> Json:
    hold = {"min_calls": 10, "error_rate": 0.05}
    return {"experiments": [{"name": "cf", "route": "bulk", "arms": {"b": arm}, "rollout": list(steps), "hold": hold}]}


@pytest.fixture
async def world(store: SqlAiConfigs) -> AsyncIterator[World]:
    made = World(store)
    await ConfigChanges(store).apply(trial(0.1, 0.5, 1.0), "")
    await made.follow()
    async with anyio.create_task_group() as group:
        group.start_soon(made.watch.run)
        yield made
        group.cancel_scope.cancel()


def share(world: World) -> float:
    return world.live.current.experiments["cf"].share["b"]


async def reaches(world: World, expected: float) -> None:
    async def has_reached() -> bool:
        await world.follow()
        return share(world) == expected

    await until(has_reached)


async def test_each_step_comes_when_the_one_before_has_shown_enough_calls(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert share(world) == 0.1
    with caplog.at_level(logging.INFO, "ascend"):
        for expected in (0.5, 1.0):
            for _ in range(10):
                world.watch.observe(WELL)
            await reaches(world, expected)
    assert caplog.messages.count("ai_experiment_advanced") == 2
    for _ in range(20):
        world.watch.observe(WELL)
    await world.follow()
    assert share(world) == 1.0
    shown = experiment_json(world.live.current.experiments["cf"])
    assert (shown["rollout"], shown["step"], shown["share"]) == ([0.1, 0.5, 1.0], 3, {"control": 0, "b": 1.0})


async def test_calls_of_the_step_before_do_not_count_for_the_next(world: World) -> None:
    for _ in range(19):
        world.watch.observe(WELL)
    await reaches(world, 0.5)
    for _ in range(9):
        world.watch.observe(WELL)
    await world.store.hold("marker", "the writer would have come by", "")
    await world.follow()
    assert share(world) == 0.5


async def test_an_arm_that_breaks_a_rule_is_held_and_does_not_go_on(world: World) -> None:
    for _ in range(9):
        world.watch.observe(WELL)
    world.watch.observe(FAILED)
    await until(world.is_held)
    await world.follow()
    assert (share(world), (await world.store.steps())) == (0.1, {})


async def test_a_step_outlives_other_versions_and_another_rollout_begins_anew(world: World) -> None:
    for _ in range(10):
        world.watch.observe(WELL)
    await reaches(world, 0.5)
    changes = ConfigChanges(world.store)
    await changes.apply(trial(0.1, 0.5, 1.0) | {"routes": {"other": {"targets": ["bulk"]}}}, "")
    await world.follow()
    assert share(world) == 0.5
    await changes.apply(trial(0.1, 0.5, 1.0, arm="bulk"), "")
    await world.follow()
    assert share(world) == 0.1


async def test_a_share_by_hand_ends_the_rollout(world: World) -> None:
    await ConfigChanges(world.store).set_shares("cf", {"": 0.3}, "ada")
    await world.follow()
    for _ in range(10):
        world.watch.observe(WELL)
    await world.follow()
    assert (share(world), world.live.current.experiments["cf"].rollout) == (0.3, ())
