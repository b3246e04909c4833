"""How much is kept, and whose."""

import pytest

from tools.ai_gateway.caching.kept_answers import KeptAnswer, KeptAnswers
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage

TARGET = ModelTarget(ModelProvider("openai", "openai", ""), "m")
BOUND = 100_000


def filled(kept: KeptAnswers, tenant_id: str, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        kept.put(tenant_id, b"%d" % number, KeptAnswer(TARGET, TokenUsage(), 100.0, b"x" * 1_300))


def held(kept: KeptAnswers, tenant_id: str, count: int) -> int:
    return sum(kept.get(tenant_id, b"%d" % number) is not None for number in range(count))


@pytest.fixture
def kept() -> KeptAnswers:
    return KeptAnswers(clock=lambda: 50.0, max_bytes=BOUND)


def test_one_alone_may_have_it_all_and_the_longest_unused_goes_first(kept: KeptAnswers) -> None:
    filled(kept, "acme", 40)
    assert held(kept, "acme", 40) == 40
    filled(kept, "acme", 40, first=40)
    assert BOUND * 0.9 < kept.total_bytes <= BOUND
    assert kept.get("acme", b"0") is None
    assert kept.get("acme", b"79") is not None


def test_who_asks_more_takes_nothing_from_who_asks_little(kept: KeptAnswers) -> None:
    filled(kept, "globex", 10)
    filled(kept, "acme", 500)
    assert held(kept, "globex", 10) == 10
    assert kept.total_bytes <= BOUND


def test_many_tenants_end_with_equal_parts_under_one_bound(kept: KeptAnswers) -> None:
    tenants = [f"t{number}" for number in range(10)]
    for tenant_id in (*tenants, *tenants):
        filled(kept, tenant_id, 20)
    parts = [held(kept, tenant_id, 20) for tenant_id in tenants]
    assert min(parts) >= max(parts) - 1
    assert min(parts) >= 4
    assert kept.total_bytes <= BOUND


def test_what_has_expired_weighs_nothing() -> None:
    now = 50.0
    kept = KeptAnswers(clock=lambda: now, max_bytes=BOUND)
    filled(kept, "acme", 1)
    now = 101.0
    assert kept.get("acme", b"0") is None
    assert kept.total_bytes == 0


def test_an_answer_that_would_push_out_all_others_is_not_kept(kept: KeptAnswers) -> None:
    filled(kept, "acme", 5)
    kept.put("acme", b"huge", KeptAnswer(TARGET, TokenUsage(), 100.0, b"x" * (BOUND // 2)))
    assert kept.get("acme", b"huge") is None
    assert held(kept, "acme", 5) == 5


def test_the_vectors_of_one_tenant_are_forgotten_and_nothing_else(kept: KeptAnswers) -> None:
    filled(kept, "acme", 3)
    before = kept.total_bytes
    for tenant_id in ("acme", "globex"):
        kept.put(tenant_id, b"vector", KeptAnswer(TARGET, TokenUsage(), 100.0, b"[1]", is_vector=True))
    kept.forget_vectors("acme")
    kept.forget_vectors("nobody")
    assert (kept.get("acme", b"vector"), held(kept, "acme", 3)) == (None, 3)
    assert kept.get("globex", b"vector") is not None
    kept.forget_vectors("globex")
    assert kept.total_bytes == before
