"""Answers that nodes keep together: found by all, for whom they were kept, until they are forgotten or their time is over."""

from dataclasses import replace

import anyio
import pytest

from server.storage.redis.answers import MAX_VALUE_BYTES
from server.storage.redis.opened import RedisState
from tests.shared_redis.server import RedisServer
from tools.ai_gateway.caching.answer_cache import AnswerCache, CachePlace
from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.shared_answers import SharedAnswer

Nodes = tuple[RedisState, RedisState]


async def found(node: RedisState, key: bytes = b"question", tenant_id: str = "acme", group: str = "crm") -> bytes | None:
    answer = await node.answers.find(tenant_id, group, key)
    assert answer is not None
    return answer.value


async def keep(node: RedisState, value: bytes = b"answer", age_s: float = 60, generation: int = 0) -> None:
    node.answers.keep("acme", "crm", b"question", value, age_s, generation)
    await node.link.settled()


@pytest.mark.parametrize("value", [b"", b"short", b"long" * 10_000])
async def test_what_one_node_keeps_another_finds_for_the_same_tenant_and_group_alone(redis_nodes: Nodes, value: bytes) -> None:
    one, two = redis_nodes
    await keep(one, value)
    assert await found(two) == value
    assert [await found(two, key=b"other"), await found(two, tenant_id="globex"), await found(two, group="erp")] == [None] * 3


async def test_a_group_that_is_forgotten_is_found_by_nobody(redis_nodes: Nodes) -> None:
    """Nor what was asked for before it was forgotten and came after."""
    one, two = redis_nodes
    await keep(one)
    before = await one.answers.find("acme", "crm", b"question")
    assert before == SharedAnswer(0, b"answer")
    await two.answers.forget("acme", "crm")
    assert await found(one) is None
    await keep(one, generation=before.generation)
    assert await found(one) is None
    now = await one.answers.find("acme", "crm", b"question")
    assert now is not None
    await keep(one, b"new", generation=now.generation)
    assert await found(two) == b"new"


async def test_what_was_to_be_forgotten_while_redis_was_away_is_forgotten_before_anything_is_found(redis_nodes: Nodes) -> None:
    one, two = redis_nodes
    await keep(one)
    one.link.is_there = False
    await one.answers.forget("acme", "crm")
    assert await one.answers.find("acme", "crm", b"question") is None
    one.link.is_there = True
    assert await found(one) is None
    assert await found(two) is None


async def test_a_write_whose_caller_is_cancelled_is_forgotten_for_all_the_same(redis_nodes: Nodes) -> None:
    """Steps of a plan are cancelled together; what one of them wrote stands nevertheless."""
    one, two = redis_nodes
    await keep(one)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await one.answers.forget("acme", "crm")
    await one.link.settled()
    assert await found(two) is None
    assert await found(one) is None


async def test_what_is_too_large_or_over_is_not_kept(redis_nodes: Nodes) -> None:
    node = redis_nodes[0]
    await keep(node, b"x", age_s=0)
    assert await found(node) is None
    await keep(node, bytes(9 * MAX_VALUE_BYTES))
    assert await found(node) is None


async def test_nobody_reads_a_value_there_and_each_has_an_end(one_redis: RedisServer, redis_nodes: Nodes) -> None:
    before = await one_redis.names()
    await keep(redis_nodes[0], b"Ada's salary", age_s=7)
    (name,) = await one_redis.names() - before
    assert name.startswith(b"ascend:test:acme:answer:")
    assert b"salary" not in await one_redis.value(name.decode())
    assert 0 < await one_redis.milliseconds_left(name.decode()) <= 7_000


async def test_what_a_restart_brought_back_is_not_found(redis_nodes: Nodes) -> None:
    """Groups may stand on the disk that were forgotten since."""
    node = redis_nodes[0]
    await keep(node)
    node.link.run_id = "another start"
    assert await found(node) is None


OPENAI = ModelProvider("openai", "openai", "https://api.openai.test")
PLACE = CachePlace("acme", b"q" * 32, 60.0, None, 1.0, is_stream=False, wants_usage=False)
ANSWER = KeptAnswer(ModelTarget(OPENAI, "gpt-5.2"), TokenUsage(10, output_tokens=3), 0, b'{"ok": true}')
STREAM = KeptAnswer(
    ModelTarget(OPENAI, "gpt-5.2"), TokenUsage(10), 0, events=b"data: 1\n\n", terminal=b"data: [DONE]\n\n", tells_usage=True
)


def cache(node: RedisState, added_us: int | None = 0, **providers: ModelProvider) -> AnswerCache:
    def no_vectors(_texts: object) -> object:
        raise AssertionError("no question is compared here")

    return AnswerCache(no_vectors, node.answers, providers.get, lambda _tenant_id: added_us)  # type: ignore[arg-type]  # nobody asks it


@pytest.mark.parametrize(("answer", "place"), [(ANSWER, PLACE), (STREAM, replace(PLACE, is_stream=True, wants_usage=True))])
async def test_an_answer_of_a_model_serves_at_another_node_as_it_does_here(
    redis_nodes: Nodes, answer: KeptAnswer, place: CachePlace
) -> None:
    one, two = (cache(node, openai=OPENAI) for node in redis_nodes)
    one.keep(place, answer)
    await redis_nodes[0].link.settled()
    here, there = await one.find_anywhere(place), await two.find_anywhere(place)
    assert here == there
    assert there is not None
    assert (there[0].whole, there[0].events, there[0].terminal) == (answer.whole, answer.events, answer.terminal)
    # From now on it is kept there, too.
    assert two.find(place) == there


async def test_an_answer_of_a_provider_that_is_configured_no_more_is_not_given(redis_nodes: Nodes) -> None:
    cache(redis_nodes[0], openai=OPENAI).keep(PLACE, ANSWER)
    await redis_nodes[0].link.settled()
    assert await cache(redis_nodes[1]).find_anywhere(PLACE) is None


async def test_vectors_of_texts_stay_where_they_are(redis_nodes: Nodes) -> None:
    """Something of a text can be told from them, and a tenant may have them forgotten."""
    cache(redis_nodes[0], openai=OPENAI).keep(PLACE, replace(ANSWER, is_vector=True))
    await redis_nodes[0].link.settled()
    assert await cache(redis_nodes[1], openai=OPENAI).find_anywhere(PLACE) is None


async def test_who_has_the_name_of_a_tenant_that_has_gone_finds_none_of_its_answers(redis_nodes: Nodes) -> None:
    """Nor does anybody keep what a call answers that ends after its tenant was marked."""
    first, leaving, second = (cache(redis_nodes[0], added_us, openai=OPENAI) for added_us in (1, None, 2))
    first.keep(PLACE, ANSWER)
    leaving.keep(replace(PLACE, key=b"l" * 32), ANSWER)
    await redis_nodes[0].link.settled()
    assert await cache(redis_nodes[1], 1, openai=OPENAI).find_anywhere(PLACE) is not None
    assert await second.find_anywhere(PLACE) is None
    assert await cache(redis_nodes[1], 2, openai=OPENAI).find_anywhere(replace(PLACE, key=b"l" * 32)) is None
