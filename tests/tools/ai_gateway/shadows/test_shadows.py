"""What of the calls of an experiment has a shadow, and that no caller waits for one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.configuration.config import AiConfig, Experiment, ModelProvider
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.shadows.answer_text import answer_text
from tools.ai_gateway.shadows.comparison import Comparison, ShadowFigures
from tools.ai_gateway.shadows.shadows import MAX_BODY_BYTES, MAX_WAITING, Answered, Shadows
from tools.ai_gateway.token_usage import TokenUsage

TRIAL = Experiment("x", "r", {"b": "two/m"}, {"b": 0.25}, shadow=True)
BODY = {"model": "r", "messages": [{"role": "user", "content": "hello"}], "stream": True}
REQUEST = ModelRequest("chat", orjson.dumps(BODY), BODY, ModelCaller("acme", key_id="key_1"), Wishes())
TARGET = ModelTarget(ModelProvider("one", "openai", "http://one.test"), "m")
ANSWERED = Answered("llm_1", KeptAnswer(TARGET, TokenUsage(), 0, b"{}"), 1.0, None)


class NoStore:
    async def add(self, comparison: Comparison) -> None:
        raise NotImplementedError

    async def figures(self, experiment: str, since_us: int) -> Sequence[ShadowFigures]:
        raise NotImplementedError

    async def forget_before(self, time_us: int) -> None:
        raise NotImplementedError


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 1), dtype=np.float32)


def shadows(trial: Experiment = TRIAL, chance: float = 0.1) -> Shadows:
    return Shadows(lambda: AiConfig(experiments={"x": trial}), NoStore(), embed, lambda: chance)


@pytest.mark.parametrize(
    ("trial", "request_", "experiment", "chance"),
    [
        (TRIAL, REQUEST, "", 0.1),
        (TRIAL, REQUEST, "gone/control", 0.1),
        (TRIAL, REQUEST, "x/control", 0.25),
        (replace(TRIAL, shadow=False), REQUEST, "x/control", 0.1),
        (replace(TRIAL, held="by hand"), REQUEST, "x/control", 0.1),
        (TRIAL, replace(REQUEST, surface="embeddings"), "x/control", 0.1),
        (TRIAL, replace(REQUEST, raw=b" " * (MAX_BODY_BYTES + 1)), "x/control", 0.1),
        (TRIAL, replace(REQUEST, shadow_of="x/b"), "x/b", 0.1),
        (TRIAL, replace(REQUEST, caller=ModelCaller("acme", own_key=("authorization", "Bearer k"))), "x/control", 0.1),
    ],
)
def test_what_has_no_shadow(trial: Experiment, request_: ModelRequest, experiment: str, chance: float) -> None:
    assert shadows(trial, chance).of(request_, experiment) is None


def test_no_caller_waits_where_too_many_shadows_do() -> None:
    take = shadows().of(REQUEST, "x/control")
    assert take is not None
    for _ in range(MAX_WAITING + 10):
        take(ANSWERED)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": "hello"}}]}, "hello"),
        (
            {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "look", "arguments": '{"a":1}'}}]}}]},
            'look\n{"a":1}',
        ),
        ({"content": [{"type": "text", "text": "hello"}, {"type": "tool_use", "name": "look", "input": {"a": 1}}]}, 'hello\nlook\n{"a":1}'),
        ({"output": [{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}]}, "hello"),
        (["no", "answer"], ""),
    ],
)
def test_the_words_of_an_answer_are_found_in_each_dialect(body: object, text: str) -> None:
    assert answer_text(orjson.dumps(body)) == text


def test_what_is_no_json_says_nothing() -> None:
    assert answer_text(b"<html>") == ""
