"""A budget holds only what is bounded: where it asks for a maximum and the caller names none, one is put in, and only then."""

import json

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, target_of
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.native.model_makers import maximum_of_maker
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
        ("bedrock", "model/anthropic.claude-sonnet-5-v1:0/invoke", {"generationConfig": {"topK": 1}, "max_tokens": 512}),
    ],
)
def test_in_a_providers_own_api_it_stands_where_that_has_it(dialect: Dialect, path: str, sent: dict[str, object]) -> None:
    target = target_of(dialect)
    request = asked("native", {"generationConfig": {"topK": 1}}, native_path=path, native_provider=dialect)
    assert json.loads(exchange_of("native", target.provider).request(request, target, 512).body) == sent


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("anthropic.claude-sonnet-5-v1:0", "max_tokens"),
        ("us.anthropic.claude-opus-4-8-v1:0", "max_tokens"),
        ("anthropic.claude-v2:1", "max_tokens_to_sample"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.meta.llama4-maverick-v1:0", "max_gen_len"),
        ("mistral.mistral-large-2407-v1:0", "max_tokens"),
        ("amazon.nova-pro-v1:0", "inferenceConfig.maxTokens"),
        ("amazon.titan-text-premier-v1:0", "textGenerationConfig.maxTokenCount"),
        ("amazon.titan-embed-text-v2:0", ""),
        ("amazon.nova-canvas-v1:0", ""),
        ("cohere.embed-english-v3", ""),
        ("cohere.command-r-v1:0", "max_tokens"),
        ("stability.sd3-large-v1:0", ""),
    ],
)
def test_bedrocks_models_take_the_word_of_their_maker(model: str, name: str) -> None:
    assert maximum_of_maker(model) == name


@pytest.mark.parametrize(
    "body", [{"max_tokens": 9}, {"max_gen_len": 9}, {"textGenerationConfig": {"maxTokenCount": 9}}, {"inferenceConfig": {"maxTokens": 9}}]
)
def test_a_maximum_of_the_callers_own_counts_in_any_makers_word(body: dict[str, object]) -> None:
    request = asked("native", body, native_path="model/m/invoke", native_provider="bedrock")
    assert request.max_output_tokens == 9
