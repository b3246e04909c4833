"""Who may use what."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.tools.ai_gateway.routing.decisions import CALLER, asking, decide, names, router_of
from tools.ai_gateway.refusals import ModelCallRefused
from tools.operation import Json

ROUTES = {"inside": {"targets": ["oai/m", "ant/secret-m"]}, "outer": {"targets": ["inside"]}, "other": {"targets": ["oai/m"]}}


def is_allowed(model: str, allow: tuple[str, ...] | None = None, rules: Mapping[str, Json] | None = None) -> bool:
    """Say whether a key with these globs, of a tenant with these rules, may name `model`."""
    router = router_of({"routes": ROUTES, "tenants": {"acme": rules or {}}})
    try:
        decide(router, asking(model, replace(CALLER, allow=allow)))
    except ModelCallRefused as refused:
        if refused.code != "model_not_allowed" or refused.status != 403:
            raise
        return False
    return True


def test_an_allowed_route_brings_its_targets_which_are_not_allowed_by_their_own_names() -> None:
    assert is_allowed("inside", ("inside",))
    assert is_allowed("outer", ("outer",))
    assert not is_allowed("oai/m", ("inside",))
    assert not is_allowed("inside", ("outer",))


def test_globs_allow_models_by_provider_and_id() -> None:
    assert is_allowed("ant/claude-m", ("inside", "ant/*"))
    assert not is_allowed("oai/m", ("inside", "ant/*"))
    assert is_allowed("claude-m", ("anthropic/*",))
    assert not is_allowed("claude-m", ("claude-*",)), "a name without provider is its provider's model"


def test_key_and_tenant_must_both_allow() -> None:
    assert is_allowed("oai/m", ("oai/*",), rules={"allow": ["oai/m"]})
    assert not is_allowed("oai/n", ("oai/*",), rules={"allow": ["oai/m"]})
    assert not is_allowed("oai/m", ("ant/*",), rules={"allow": ["oai/m"]})
    assert not is_allowed("oai/m", (), rules={"allow": ["oai/m"]}), "a key that may do nothing"


def test_a_deny_wins_over_every_allow() -> None:
    assert not is_allowed("oai/secret-m", ("*",), {"allow": ["*"], "deny": ["*secret*"]})
    assert not is_allowed("inside", ("*",), {"allow": ["*"], "deny": ["inside"]})
    assert not is_allowed("claude-secret", rules={"deny": ["anthropic/*"]})


def test_a_denied_target_is_passed_over_in_an_allowed_route() -> None:
    """What a tenant may not use, no route brings."""
    router = router_of({"routes": ROUTES, "tenants": {"acme": {"deny": ["ant/*"]}}})
    decision = decide(router, asking("inside"))
    assert names(decision) == ["oai/m"]
    assert "ant/secret-m is denied to the tenant" in decision.reasons
    assert not is_allowed("inside", rules={"deny": ["ant/*", "oai/*"]})


def test_a_tenants_own_route_is_allowed_to_it_and_no_default_beside() -> None:
    document = {"routes": ROUTES, "tenants": {"acme": {"route": "other", "allow": ["ant/*"]}, "globex": {"allow": ["ant/*"]}}}
    router = router_of(document)
    assert names(decide(router, asking())) == ["oai/m"]
    with pytest.raises(ModelCallRefused, match="model_not_allowed"):
        decide(router, asking(caller=replace(CALLER, tenant_id="globex")))


def test_a_caller_is_shown_what_it_may_use_and_nothing_else() -> None:
    document = {
        "routes": ROUTES | {"old": {"targets": ["oai/m"], "sunset": "2020-01-01"}},
        "models": {"oai/known": {"context": 9}},
        "tenants": {"acme": {"deny": ["ant/*", "bulk", "standard"]}},
    }
    router = router_of(document)
    assert set(router.models_for(CALLER)) == {"inside", "outer", "other", "oai/known", "oai/m", "deepseek/deepseek-v4-flash"} | {
        "workers_ai/@cf/qwen/qwen3-30b-a3b-fp8"
    }
    assert router.models_for(replace(CALLER, allow=("ins*",))) == ("inside",)
