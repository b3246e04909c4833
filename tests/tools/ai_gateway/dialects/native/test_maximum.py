"""A budget holds only what is bounded: where it asks for a maximum and the caller names none, one is put in, and only then."""

import json

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, target_of
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.model_request import Surface


@pytest.mark.parametrize(
    ("surface", "dialect", "provider", "name"),
    [
        ("chat", "openai", "groq", "max_tokens"),
        ("chat", "openai", "openai", "max_completion_tokens"),
        ("responses", "openai", "openai", "max_output_tokens"),
        ("messages", "anthropic", "anthropic", "max_tokens"),
    ],
)
def test_a_maximum_is_put_in_as_the_provider_spells_it(surface: Surface, dialect: Dialect, provider: str, name: str) -> None:
    target = target_of(dialect, name=provider)
    request = asked(surface, {"model": "m"})
    exchange = exchange_of(surface, target.provider)
    assert json.loads(exchange.request(request, target, 512).body) == {"model": "there", name: 512}
    assert json.loads(exchange.request(request, target, None).body) == {"model": "there"}


def test_texts_have_no_maximum() -> None:
    target = target_of("openai")
    sent = exchange_of("embeddings", target.provider).request(asked("embeddings", {"model": "m", "input": "x"}), target, 512)
    assert json.loads(sent.body) == {"model": "there", "input": "x"}


@pytest.mark.parametrize(
    ("dialect", "path", "sent"),
    [
        ("gemini", "v1beta/models/g:streamGenerateContent", {"generationConfig": {"topK": 1, "maxOutputTokens": 512}}),
        ("bedrock", "model/c/converse", {"generationConfig": {"topK": 1}, "inferenceConfig": {"maxTokens": 512}}),
        ("workers_ai", "ai/run/@cf/baai/bge", {"generationConfig": {"topK": 1}}),
    ],
)
def test_in_a_providers_own_api_it_stands_where_that_has_it(dialect: Dialect, path: str, sent: dict[str, object]) -> None:
    target = target_of(dialect)
    request = asked("native", {"generationConfig": {"topK": 1}}, native_path=path, native_provider=dialect)
    assert json.loads(exchange_of("native", target.provider).request(request, target, 512).body) == sent
