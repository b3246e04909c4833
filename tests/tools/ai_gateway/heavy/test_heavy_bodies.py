"""What a child reads or writes is what this process would have: the same bytes, usage and refusals."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from tests.loop.model_upstream import CALL, chat, claude, many
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.dialects.exchange import FaultInside, MalformedAnswer, WholeAnswer
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.heavy.public_part import without_caller
from tools.ai_gateway.heavy.sent_bodies import provider_request
from tools.ai_gateway.heavy.vectors import vectors_of
from tools.ai_gateway.heavy.whole_answers import read_whole, replayed
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Surface, Wishes
from tools.ai_gateway.refusals import ModelCallRefused
from tools.ai_gateway.routing.decision import ModelTarget
from tools.heavy_json.weight import is_heavy
from tools.operation import Json

ONE = ModelTarget(ModelProvider("one", "openai", "https://one.test/v1"), "m")
CLAUDE = ModelTarget(ModelProvider("claude", "anthropic", "https://claude.test/v1"), "m")
HOLDER = ("acme", "ada")
JSON_TYPE = {"content-type": "application/json"}


def asked(surface: Surface = "chat", **more: Json) -> ModelRequest:
    body: dict[str, Json] = {"model": "one/m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]} | more
    caller = ModelCaller("acme", own_key=("authorization", "Bearer sk-theirs"))
    return ModelRequest(surface, orjson.dumps(body), body, caller, Wishes())


async def read(request: ModelRequest, target: ModelTarget, body: bytes) -> WholeAnswer:
    exchange = exchange_of(request.surface, target.provider)
    return await read_whole(exchange, request, target, JSON_TYPE, body, HOLDER, asyncio.get_running_loop().time() + 60)


@pytest.mark.parametrize("surface", ["chat", "messages"])
async def test_a_heavy_answer_is_read_as_a_light_one_is(surface: Surface) -> None:
    body = chat(b'"content":null,"tool_calls":[' + many(CALL, 2_500_000) + b"]")
    assert is_heavy(body)
    request = asked(surface)
    expected = exchange_of(surface, ONE.provider).whole(request, ONE, JSON_TYPE, body)
    found = await read(request, ONE, body)
    assert (found.usage, found.produced_chars, len(found.body)) == (expected.usage, expected.produced_chars, len(expected.body))


async def test_a_heavy_answer_of_the_callers_dialect_passes_byte_by_byte() -> None:
    body = chat(b'"content":"x","extra":[' + many(b"[ ]", 1_000_000) + b"]")
    assert (await read(asked(), ONE, body)).body is body


async def test_a_heavy_refusal_under_200_is_a_refusal_and_damage_is_damage() -> None:
    with pytest.raises(FaultInside) as inside:
        await read(asked(), ONE, b'{"error":{"message":"no","code":"overloaded","x":[' + many(b"[]", 1_000_000) + b"]}}")
    assert (inside.value.fault.status, inside.value.fault.message) == (503, "no")
    with pytest.raises(MalformedAnswer):
        await read(asked(), ONE, b"[" + many(b"[]", 1_000_000))


async def test_a_heavy_answer_is_played_as_the_stream_that_a_light_one_would_be() -> None:
    body = claude(many(b'{"type":"text","text":"word"}', 1_500_000))
    request = asked("messages", stream=True)
    exchange = exchange_of("messages", CLAUDE.provider)
    events, terminal = await replayed(exchange, request, CLAUDE, body, HOLDER)
    assert events + terminal == b"".join(exchange.replay(request, body))
    assert b"message_stop" in terminal


@pytest.mark.parametrize("target", [ONE, CLAUDE], ids=["passed", "translated"])
async def test_a_long_conversation_is_written_as_a_short_one_is(target: ModelTarget) -> None:
    messages: list[Json] = [{"role": role, "content": "word " * 160} for role in ("user", "assistant") * 3_000]
    request = asked(messages=messages)
    exchange = exchange_of("chat", target.provider)
    written = await provider_request(exchange, request, target, None, HOLDER, asyncio.get_running_loop().time() + 60)
    assert written == exchange.request(request, target, None)


async def test_what_cannot_be_said_is_refused_in_the_same_words_when_it_is_heavy() -> None:
    messages: list[Json] = [{"role": "user", "content": "hi"}] * 6_000
    request = asked(messages=messages, modalities=["audio"], audio={"voice": "x", "format": "wav"})
    exchange = exchange_of("chat", CLAUDE.provider)
    with pytest.raises(ModelCallRefused) as here:
        exchange.request(request, CLAUDE, None)
    with pytest.raises(ModelCallRefused) as there:
        await provider_request(exchange, request, CLAUDE, None, HOLDER, asyncio.get_running_loop().time() + 60)
    assert (there.value.code, there.value.message, there.value.param) == (here.value.code, here.value.message, here.value.param)


@pytest.mark.parametrize("values", [3, 30_000], ids=["light", "heavy"])
async def test_vectors_are_the_texts_that_they_were(values: int) -> None:
    vector = [0.25] * values
    body = {"object": "list", "data": [{"index": at, "embedding": vector} for at in range(3)], "model": "m", "usage": {"prompt_tokens": 3}}
    found = await vectors_of(orjson.dumps(body), HOLDER)
    assert found is not None
    assert [orjson.loads(each) for each in found.each] == [vector] * 3
    assert found.rest == {"object": "list", "model": "m", "usage": {"prompt_tokens": 3}}


def test_no_key_goes_to_a_child() -> None:
    sent = without_caller(replace(asked(), headers=(("user-agent", "x"),)))
    assert sent.caller == ModelCaller("")
    assert "sk-theirs" not in repr((sent.caller.own_key, sent.wishes, sent.trace))
