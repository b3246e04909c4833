"""Who is in which arm of an experiment."""

import hashlib
from dataclasses import replace

import pytest

from tests.tools.ai_gateway.routing.decisions import CALLER, Standings, asking, config_of, decide, names, router_of
from tools.ai_gateway.routing.router import Router

ROUTES = {"main": {"targets": ["oai/control"]}, "try": {"targets": ["oai-2/trial", "oai/rescue"], "cache_s": 5}}
USERS = [f"user-{n}" for n in range(200)]


def trial(share: dict[str, float], arms: dict[str, str] | None = None) -> dict[str, object]:
    return {"routes": ROUTES, "experiments": [{"name": "cf", "route": "main", "arms": arms or {"b": "try"}, "share": share}]}


def arms_of(share: dict[str, float], arms: dict[str, str] | None = None) -> dict[str, str]:
    router = router_of(trial(share, arms))
    return {user: decide(router, asking("main", user=user)).experiment.partition("/")[2] for user in USERS}


def bucket(user: str) -> int:
    return int.from_bytes(hashlib.sha256(f"cf:{user}".encode()).digest()[:8], "big") % 10_000


def test_the_arm_follows_from_the_name_and_the_user_by_the_rule_of_the_contract() -> None:
    assert arms_of({"b": 0.3}) == {user: "b" if bucket(user) < 3_000 else "control" for user in USERS}


def test_arms_stand_in_the_order_of_the_file_each_its_share_wide() -> None:
    wanted = {user: "c" if bucket(user) < 2_000 else "b" if bucket(user) < 5_000 else "control" for user in USERS}
    assert arms_of({"b": 0.3, "c": 0.2}, {"c": "oai/c", "b": "try"}) == wanted


def test_a_growing_share_keeps_those_who_were_in() -> None:
    few, many = ({user for user, arm in arms_of({"b": share}).items() if arm == "b"} for share in (0.1, 0.5))
    assert few < many


def test_an_arm_is_its_routes_targets_and_cache_under_the_name_that_was_asked_for() -> None:
    decision = decide(router_of(trial({"b": 1.0})), asking("main", user="ada"))
    assert (decision.route, names(decision), decision.cache_s, decision.experiment) == ("main", ["oai-2/trial", "oai/rescue"], 5, "cf/b")
    assert decide(router_of(trial({"b": 1.0})), asking("try", user="ada")).experiment == ""


def test_callers_without_a_user_are_told_apart_by_their_keys() -> None:
    router = router_of(trial({"b": 0.5}))
    arms = {decide(router, asking("main", replace(CALLER, key_id=f"k{n}"))).experiment for n in range(40)}
    assert arms == {"cf/b", "cf/control"}


def test_a_held_experiment_gives_everybody_control() -> None:
    config = config_of(trial({"b": 1.0}))
    held = replace(config, experiments={"cf": replace(config.experiments["cf"], held="12 % errors")})
    decision = decide(Router(lambda: held, Standings(), ""), asking("main", user="ada"))
    assert (names(decision), decision.experiment) == (["oai/control"], "cf/control")
    assert "experiment cf is held: 12 % errors" in decision.reasons


def test_an_arm_whose_route_has_ended_is_control() -> None:
    document = trial({"b": 1.0})
    ended = {"routes": ROUTES | {"try": {"targets": ["oai-2/trial"], "sunset": "2020-01-01"}}, "experiments": document["experiments"]}
    assert names(decide(router_of(ended), asking("main", user="ada"))) == ["oai/control"]


@pytest.mark.parametrize("allow", [("main",), ("m*",)])
def test_who_may_use_the_route_may_be_in_any_arm(allow: tuple[str, ...]) -> None:
    assert names(decide(router_of(trial({"b": 1.0})), asking("main", replace(CALLER, allow=allow)))) == ["oai-2/trial", "oai/rescue"]
