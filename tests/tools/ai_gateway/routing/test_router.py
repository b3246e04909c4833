"""Which name counts, and what it means."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.tools.ai_gateway.routing.decisions import CALLER, TODAY, Standings, asking, config_of, decide, names, router_of
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.routing.router import Router
from tools.operation import Json

ROUTES = {
    "bulk": {"targets": ["oai/bulk"]},
    "standard": {"targets": ["oai/standard"]},
    "house": {"targets": ["oai/house"]},
    "lab": {"targets": ["oai/lab"]},
}


def refusal(router: Router, request: ModelRequest, needs: frozenset[str] = frozenset()) -> ModelCallRefused:
    with pytest.raises(ModelCallRefused) as refused:
        decide(router, request, needs)
    return refused.value


def test_the_request_goes_before_the_environment_the_tenant_and_the_defaults() -> None:
    document = {"routes": ROUTES, "tenants": {"acme": {"route": "house"}}}
    by_environment, by_tenant = router_of(document, environment="lab"), router_of(document)
    assert names(decide(by_environment, asking("oai/mine"))) == ["oai/mine"]
    assert names(decide(by_environment, asking())) == ["oai/lab"]
    assert names(decide(by_tenant, asking())) == ["oai/house"]
    assert names(decide(by_tenant, asking(caller=ModelCaller("globex")))) == ["oai/bulk"]


def test_default_is_no_model_wherever_it_stands() -> None:
    router = router_of({"routes": ROUTES}, environment="default")
    decision = decide(router, asking("default"))
    assert (decision.requested, decision.route, names(decision)) == ("", "bulk", ["oai/bulk"])


def test_a_tier_counts_where_the_request_names_no_model() -> None:
    router = router_of({"routes": ROUTES}, environment="lab")
    assert decide(router, asking(tier="standard")).route == "standard"
    assert decide(router, asking("house", tier="standard")).route == "house"
    refused = refusal(router, asking(tier="standart"))
    assert (refused.code, refused.status) == ("invalid_request", 400)
    assert "did you mean 'standard'" in refused.message


@pytest.mark.parametrize(
    ("model", "tier", "environment"), [("frontier", "", ""), ("", "frontier", ""), ("", "", "frontier"), ("default", "frontier", "")]
)
def test_frontier_is_never_taken_without_a_model(model: str, tier: str, environment: str) -> None:
    router = router_of({"routes": ROUTES}, environment=environment)
    assert refusal(router, asking(model, tier=tier)).code == "frontier_needs_model"


def test_frontier_with_a_model_is_that_model() -> None:
    assert names(decide(router_of({}), asking("ant/claude-opus-5", tier="frontier"))) == ["ant/claude-opus-5"]


@pytest.mark.parametrize("model", ["oai/m+status=503+id=F04", "oai/@cf/qwen/qwen3-30b-a3b-fp8", "oai/ft:gpt:acme::1"])
def test_a_models_id_is_kept_as_its_provider_spells_it(model: str) -> None:
    decision = decide(router_of({}), asking(model))
    assert [target.model for target in decision.targets] == [model.removeprefix("oai/")]
    assert decision.route == ""


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-sonnet-5", "anthropic/claude-sonnet-5"),
        ("gpt-5.2", "openai/gpt-5.2"),
        ("gemini-3-pro", "gemini/gemini-3-pro"),
        ("sonar-pro", "perplexity/sonar-pro"),
    ],
)
def test_clients_that_know_no_providers_reach_the_well_known_ones(model: str, name: str) -> None:
    """Claude Code and Codex send the model's own name."""
    assert names(decide(router_of({}), asking(model))) == [name]


def test_a_route_of_that_name_goes_before_the_well_known_model() -> None:
    router = router_of({"routes": {"claude-sonnet-5": {"targets": ["ant/claude-haiku-5"]}}})
    assert names(decide(router, asking("claude-sonnet-5"))) == ["ant/claude-haiku-5"]


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("sumaries", "did you mean 'summaries'?"),
        ("oia/gpt-5.2", "did you mean 'oai'?"),
        ("oai/", "did you mean 'oai/m'?"),
        ("x" * 500, "no model or route"),
        ("oai/" + "x" * 500, "no model or route"),
        ("oai/m\r\nx-gateway-cost: 0", "no model or route"),
    ],
)
def test_a_name_that_nobody_knows_is_answered_with_the_nearest(model: str, meant: str) -> None:
    refused = refusal(router_of({"routes": {"summaries": {"targets": ["oai/m"]}}}), asking(model))
    assert (refused.code, refused.status, refused.param) == ("model_not_found", 404, "model")
    assert meant in refused.message
    assert len(refused.message) < 300
    assert refused.message.isprintable()


def test_nobody_learns_of_names_that_they_may_not_use() -> None:
    router = router_of({"routes": {"summaries": {"targets": ["oai/m"]}}})
    assert "summaries" not in refusal(router, asking("sumaries", replace(CALLER, allow=("bulk",)))).message


def test_a_route_works_through_its_last_day_and_is_gone_afterwards() -> None:
    document = {"routes": {"old": {"targets": ["oai/m"], "sunset": TODAY.isoformat()}, "new": {"targets": ["oai/m"]}}}
    assert decide(router_of(document), asking("old")).sunset == TODAY
    refused = refusal(router_of(document, today=TODAY + timedelta(days=1)), asking("old"))
    assert (refused.code, refused.status) == ("model_not_found", 404)
    assert TODAY.isoformat() in refused.message


def test_only_the_provider_that_the_request_names_is_asked() -> None:
    router = router_of({"routes": {"two": {"targets": ["oai/one", "ant/two"]}}})
    assert names(decide(router, asking("two", provider="ant"))) == ["ant/two"]
    refused = refusal(router, asking("two", provider="gem"))
    assert (refused.code, refused.status) == ("no_target", 503)
    assert "retry-after" in refused.headers


def test_a_provider_that_is_nowhere_yet_is_passed_over_and_the_way_out_is_told() -> None:
    """Workers AI has no address before the file names the account."""
    refused = refusal(router_of({}), asking())
    assert refused.code == "no_target"
    assert "base_url" in refused.message


def test_a_callers_own_key_goes_to_one_provider_where_the_tenant_takes_it() -> None:
    own = replace(CALLER, own_key=("authorization", "Bearer sk-own"))
    document = {"routes": {"two": {"targets": ["oai/one", "oai-2/two", "oai/three"]}}}
    refused = refusal(router_of(document), asking("two", own))
    assert (refused.code, refused.status) == ("forbidden", 403)
    assert "sk-own" not in str(refused)
    router = router_of(document | {"tenants": {"acme": {"caller_keys": True}}})
    assert names(decide(router, asking("two", own))) == ["oai/one", "oai/three"]
    assert names(decide(router, asking("two"))) == ["oai/one", "oai-2/two", "oai/three"]


@pytest.mark.parametrize(
    ("provider", "path", "body", "name"),
    [
        ("gem", "v1beta/models/gemini-m+id=A35:streamGenerateContent", {}, "gem/gemini-m+id=A35"),
        ("ant", "v1/messages", {"model": "claude-m"}, "ant/claude-m"),
        ("workers_ai", "ai/run/@cf/qwen/qwen3", {}, "workers_ai/@cf/qwen/qwen3"),
    ],
)
def test_a_providers_own_api_says_its_model_in_path_or_body(provider: str, path: str, body: Mapping[str, Json], name: str) -> None:
    router = router_of(
        {"providers": {"workers_ai": {"base_url": "https://cf.example/accounts/a"}}, "tenants": {"acme": {"deny": ["*secret*"]}}}
    )
    request = ModelRequest("native", b"", body, CALLER, Wishes(), native_provider=provider, native_path=path)
    assert names(decide(router, request)) == [name]
    denied = replace(request, native_path=path.replace("-m", "-secret").replace("qwen3", "secret"), body={"model": "secret"})
    assert refusal(router, denied).code == "model_not_allowed"


def test_a_new_configuration_counts_from_the_next_request_on() -> None:
    configs = [config_of({"routes": {"a": {"targets": ["oai/one"]}}})]
    router = Router(lambda: configs[-1], Standings(), "")
    assert names(decide(router, asking("a"))) == ["oai/one"]
    configs.append(config_of({"routes": {"a": {"targets": ["oai/two"]}}}))
    assert names(decide(router, asking("a"))) == ["oai/two"]


def test_the_route_of_a_budget_is_taken_whatever_the_caller_may_name() -> None:
    router = router_of({"routes": ROUTES | {"cheap": {"targets": ["oai/cheap"], "cache_s": 60}}})
    decision = router.decide_route(asking("house", replace(CALLER, allow=("house",))), "cheap")
    assert (decision.requested, decision.route, names(decision), decision.cache_s) == ("house", "cheap", ["oai/cheap"], 60)


def test_reasons_say_in_words_what_led_there() -> None:
    decision = decide(router_of({"routes": ROUTES, "tenants": {"acme": {"route": "house"}}}), asking())
    assert decision.reasons == ("nothing asked for; house is the tenant's route",)
