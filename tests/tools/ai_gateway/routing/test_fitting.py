"""Which targets can serve a request."""

import pytest

from tests.tools.ai_gateway.routing.decisions import asking, decide, names, router_of
from tools.ai_gateway.refusals import ModelCallRefused

MODELS = {"oai/blind": {"can": ["tools"]}, "oai/small": {"context": 100}, "oai/large": {"context": 1_000}}
ROUTES = {
    "see": {"targets": ["oai/blind", "oai/unknown"]},
    "blind": {"targets": ["oai/blind"]},
    "room": {"targets": ["oai/small", "oai/large"]},
}
ROUTER = router_of({"models": MODELS, "routes": ROUTES})


def test_a_target_that_lacks_what_the_request_needs_is_passed_over() -> None:
    decision = decide(ROUTER, asking("see"), frozenset({"images", "tools"}))
    assert names(decision) == ["oai/unknown"]
    assert "oai/blind cannot do images" in decision.reasons
    assert names(decide(ROUTER, asking("see"), frozenset({"tools"}))) == ["oai/blind", "oai/unknown"]


def test_what_no_target_can_do_is_refused_by_name() -> None:
    with pytest.raises(ModelCallRefused) as refused:
        decide(ROUTER, asking("blind"), frozenset({"images"}))
    assert (refused.value.code, refused.value.status) == ("unsupported", 400)
    assert "images" in refused.value.message


def test_a_target_whose_context_is_too_small_is_passed_over() -> None:
    decision = decide(ROUTER, asking("room"), tokens=500)
    assert names(decision) == ["oai/large"]
    assert "oai/small takes 100 tokens, the request has some 500" in decision.reasons


def test_of_targets_that_are_all_too_small_the_largest_is_asked() -> None:
    """Tokens are estimated; clients recover by the words in which the provider says that it was too much."""
    assert names(decide(ROUTER, asking("room"), tokens=5_000)) == ["oai/large"]


def test_a_model_that_the_caller_names_is_asked_whatever_is_known_of_it() -> None:
    assert names(decide(ROUTER, asking("oai/blind"), frozenset({"images"}), tokens=5_000)) == ["oai/blind"]
