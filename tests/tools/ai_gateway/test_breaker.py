"""A target that keeps failing is left alone, tried carefully, and taken back (AI gateway contract, `breaker`)."""

from tools.ai_gateway.breaker import MAX_CIRCUITS, Breakers
from tools.ai_gateway.configuration.config import BreakerRule

THERE = ("openai/m", "acc_1")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def breakers(clock: Clock) -> Breakers:
    return Breakers(lambda: BreakerRule(failures=3, window_s=30, open_s=15), clock)


def test_enough_failures_within_the_window_close_a_target_for_a_while() -> None:
    clock = Clock()
    found = breakers(clock)
    for _ in range(2):
        found.failed(THERE)
    assert found.admits(THERE)
    found.failed(THERE)
    assert not found.admits(THERE)
    assert found.opens_in_s(THERE) == 15


def test_failures_that_lie_far_apart_close_nothing() -> None:
    clock = Clock()
    found = breakers(clock)
    for _ in range(5):
        found.failed(THERE)
        clock.now += 20
    assert found.admits(THERE)


def test_afterwards_one_call_tries_and_the_others_go_elsewhere() -> None:
    clock = Clock()
    found = breakers(clock)
    for _ in range(3):
        found.failed(THERE)
    clock.now += 15
    assert [found.admits(THERE) for _ in range(20)].count(True) == 1
    found.failed(THERE)
    assert not found.admits(THERE)
    clock.now += 15
    assert found.admits(THERE)
    found.succeeded(THERE)
    assert all(found.admits(THERE) for _ in range(20))


def test_a_probe_that_told_nothing_is_followed_by_another() -> None:
    clock = Clock()
    found = breakers(clock)
    for _ in range(3):
        found.failed(THERE)
    clock.now += 15
    assert found.admits(THERE)
    found.abandoned(THERE)
    assert found.admits(THERE)
    clock.now += 30
    assert found.admits(THERE), "the probe before vanished without a word"


def test_another_key_and_another_model_are_other_circuits() -> None:
    found = breakers(Clock())
    for _ in range(3):
        found.failed(THERE)
    assert found.admits(("openai/m", "acc_2"))
    assert found.admits(("openai/n", "acc_1"))


def test_what_is_kept_is_bounded() -> None:
    found = breakers(Clock())
    for number in range(MAX_CIRCUITS + 10):
        found.failed((f"openai/m{number}", ""))
    assert len(found._states) <= MAX_CIRCUITS
