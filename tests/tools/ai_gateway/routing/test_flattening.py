"""In which order targets are tried, and which route a condition takes."""

import random
from collections import Counter

import pytest

from tests.tools.ai_gateway.routing.decisions import Standings, asking, decide, names, router_of
from tools.operation import Json


def test_routes_within_routes_are_laid_out_each_target_once() -> None:
    routes = {"a": {"targets": ["oai/1", "b", "oai/3"]}, "b": {"targets": ["oai/2", "oai/1"]}}
    assert names(decide(router_of({"routes": routes}), asking("a"))) == ["oai/1", "oai/2", "oai/3"]


def test_weights_are_kept_and_the_others_follow() -> None:
    targets = [{"use": "oai/a", "weight": 70}, {"use": "oai/b", "weight": 30}, {"use": "oai/never", "weight": 0}]
    router = router_of({"routes": {"w": {"pick": "weighted", "targets": targets}}}, chance=random.Random(7).random)
    firsts = Counter(names(decide(router, asking("w")))[0] for _ in range(960))
    assert 0.6 < firsts["oai/a"] / 960 < 0.8
    assert firsts["oai/never"] == 0
    assert set(names(decide(router, asking("w")))) == {"oai/a", "oai/b", "oai/never"}


@pytest.mark.parametrize("sticky", ["session", "user"])
def test_a_sticky_route_keeps_together_what_belongs_together(sticky: str) -> None:
    """Prompt caches are the provider's: a conversation that moves pays for its beginning again."""
    router = router_of({"routes": {"s": {"pick": "weighted", "sticky": sticky, "targets": ["oai/a", "oai-2/b", "ant/c"]}}})
    orders = {
        whose: {tuple(names(decide(router, asking("s", session=whose, user=whose)))) for _ in range(4)} for whose in map(str, range(30))
    }
    assert all(len(order) == 1 for order in orders.values())
    assert {order[0] for (order,) in orders.values()} == {"oai/a", "oai-2/b", "ant/c"}


def test_a_session_moves_only_when_its_own_target_goes() -> None:
    def first(targets: list[str], session: str) -> str:
        router = router_of({"routes": {"s": {"pick": "weighted", "sticky": "session", "targets": targets}}})
        return names(decide(router, asking("s", session=session)))[0]

    for session in map(str, range(20)):
        before = first(["oai/a", "oai-2/b", "ant/c"], session)
        if before != "ant/c":
            assert first(["oai/a", "oai-2/b"], session) == before


def test_the_cheapest_goes_first_and_what_has_no_price_last() -> None:
    routes = {"c": {"pick": "cheapest", "targets": ["oai/unknown", "oai/dear", "inner"]}, "inner": {"targets": ["oai/cheap"]}}
    router = router_of({"routes": routes}, standing=Standings(prices={"oai/dear": 9.0, "oai/cheap": 0.1}))
    decision = decide(router, asking("c"))
    assert names(decision) == ["oai/cheap", "oai/dear", "oai/unknown"]
    assert "c: oai/cheap is the cheapest" in decision.reasons


def test_the_fastest_goes_first_after_all_have_been_measured() -> None:
    latencies: dict[str, float] = {}
    routes = {"f": {"pick": "fastest", "targets": ["oai/slow", "oai/quick"]}}
    router = router_of({"routes": routes}, standing=Standings(latencies=latencies))
    assert names(decide(router, asking("f")))[0] == "oai/slow"
    latencies["oai/slow"] = 400
    assert names(decide(router, asking("f")))[0] == "oai/quick"
    latencies["oai/quick"] = 20
    assert names(decide(router, asking("f"))) == ["oai/quick", "oai/slow"]


AUTO = {
    "auto": {"when": [{"complexity": "simple", "use": "s"}, {"complexity": "medium", "use": "m"}, {"use": "c"}]},
    **{name: {"targets": [f"oai/{name}"]} for name in "smc"},
}


@pytest.mark.parametrize(
    ("text", "target"), [("hello", "oai/s"), ("word " * 100, "oai/m"), ("word " * 500, "oai/c"), ("```x = 1```", "oai/c")]
)
def test_a_condition_on_complexity_takes_the_route_that_fits(text: str, target: str) -> None:
    decision = decide(router_of({"routes": AUTO}), asking("auto", text=text))
    assert names(decision) == [target]
    assert decision.route == "auto"
    assert any("hence" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("metadata", "target"),
    [
        ({"plan": "paid", "team": 7}, "oai/m"),
        ({"plan": "free"}, "oai/s"),
        ({"plan": ["paid"]}, "oai/s"),
        ({}, "oai/s"),
        ({"beta": True}, "oai/c"),
        ({"beta": 1}, "oai/s"),
    ],
)
def test_a_condition_on_metadata_holds_where_every_member_is_equal(metadata: dict[str, Json], target: str) -> None:
    when = [{"metadata": {"plan": "paid"}, "use": "m"}, {"metadata": {"beta": True}, "use": "c"}, {"use": "s"}]
    assert names(decide(router_of({"routes": AUTO | {"auto": {"when": when}}}), asking("auto", metadata=metadata))) == [target]


def test_where_no_condition_holds_the_routes_own_targets_serve() -> None:
    routes = AUTO | {"auto": {"when": [{"complexity": "complex", "use": "c"}], "targets": ["oai/own"]}}
    assert names(decide(router_of({"routes": routes}), asking("auto"))) == ["oai/own"]


def test_a_route_within_that_has_ended_is_passed_over() -> None:
    routes = {"a": {"targets": ["old", "oai/2"]}, "old": {"targets": ["oai/1"], "sunset": "2020-01-01"}}
    decision = decide(router_of({"routes": routes}), asking("a"))
    assert names(decision) == ["oai/2"]
    assert "old ended on 2020-01-01" in decision.reasons


def test_a_route_that_several_lead_to_is_looked_at_once() -> None:
    """Ten routes that each lead a hundred times to the next are more ways than there is time."""
    routes = {f"r{n}": {"targets": [*99 * [f"r{n + 1}"], "oai/2"]} for n in range(9)} | {
        "r9": {"targets": ["oai/1"], "sunset": "2020-01-01"}
    }
    decision = decide(router_of({"routes": routes}), asking("r0"))
    assert names(decision) == ["oai/2"]
    assert decision.reasons.count("r9 ended on 2020-01-01") == 1
