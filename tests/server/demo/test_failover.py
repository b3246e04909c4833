"""The sixteen failures: what a route of two rescues, what one of one tells, and that each judge notices its fault."""

import pytest

from server.demo.failover.heard import Heard
from server.demo.failover.scenarios import SCENARIOS, Played, Verdict, passed_on, rescued, says_who, waited_or_next
from server.demo.failover.trial import RouteShape, play_all, shortened
from tools.ai_gateway.configuration.config import BreakerRule, Defaults, Dialect

WHOLE = ("one whole answer", "another whole answer")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is left waiting for a second is no target that is silent."""
    monkeypatch.setattr("server.demo.failover.trial.FIRST_BYTE_S", 3.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("dialects", [("openai", "openai"), ("anthropic", "openai", "anthropic")], ids=["two", "three"])
async def test_a_route_with_another_target_passes_all_sixteen(dialects: tuple[Dialect, ...]) -> None:
    seen: list[int] = []
    results = await play_all(RouteShape(dialects, Defaults()), seen.append)
    assert [(each.id, each.verdict) for each in results] == [(f"S{number:02}", "pass") for number in range(1, 17)]
    assert seen == list(range(1, 17))


@pytest.mark.usefixtures("patient")
async def test_a_route_with_one_target_deceives_nobody() -> None:
    results = {each.id: each.verdict for each in await play_all(RouteShape(("openai",), Defaults()), lambda _over: None)}
    assert {name for name, verdict in results.items() if verdict == "pass"} == {"S01", "S03", "S11", "S13", "S15"}
    assert "fail" not in results.values()


def played(heard: Heard, *times: tuple[float, ...], was_prefilled: bool = False) -> Played:
    return Played(heard, times or ((0.0,), (0.1,)), WHOLE, was_prefilled)


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        (played(Heard(200, WHOLE[1], is_done=True)), "pass"),
        (played(Heard(200, "another whole", is_done=True)), "fail"),
        (played(Heard(200, WHOLE[0] + WHOLE[1], is_done=True)), "fail"),
        (played(Heard(200, "one")), "fail"),
        (played(Heard(200, "one", error="it broke off")), "safe"),
        (played(Heard(503, error="no")), "safe"),
        (played(Heard(200, WHOLE[1], is_done=True), (0.0, 0.1, 0.2), (0.3,)), "fail"),
        (played(Heard(200, WHOLE[1], is_done=True), was_prefilled=True), "fail"),
    ],
    ids=["whole", "truncated", "doubled", "silent", "told", "refused", "hammered", "prefilled"],
)
def test_only_one_whole_answer_is_a_rescue(how: Played, verdict: Verdict) -> None:
    assert rescued(how)[0] == verdict


def test_the_other_judges_notice_their_faults() -> None:
    """Too early, routed around a content filter, the reason lost, another's name, no usage."""
    whole = Heard(200, WHOLE[0], is_done=True)
    assert waited_or_next(played(whole, (0.0, 0.2), ()))[0] == "fail"
    assert waited_or_next(played(whole, (0.0, 1.0), ()))[0] == "pass"
    assert passed_on(played(whole, (0.0,), (0.1,)))[0] == "fail"
    assert passed_on(played(Heard(400, error="something else"), (0.0,), ()))[0] == "fail"
    assert says_who(played(Heard(200, WHOLE[1], is_done=True, model="demo-target-1", target="x", has_usage=True)))[0] == "fail"
    assert says_who(played(Heard(200, WHOLE[1], is_done=True, model="demo-last", target="x")))[0] == "fail"


def test_time_limits_keep_their_proportions() -> None:
    limits = shortened(Defaults(first_byte_s=20, idle_s=40, total_s=200, breaker=BreakerRule(50, 60, 30)))
    assert (limits.first_byte_s, limits.idle_s, limits.total_s) == (1, 2, 10)
    assert (limits.breaker.failures, limits.breaker.open_s) == (10, 1.5)
    quick = Defaults(first_byte_s=0.8)
    assert shortened(quick).first_byte_s == 0.8


def test_every_scenario_is_there_once() -> None:
    assert [scenario.id for scenario in SCENARIOS] == [f"S{number:02}" for number in range(1, 17)]
