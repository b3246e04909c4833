"""What a document puts in force."""

from datetime import date

from tests.tools.ai_gateway.configuration.example import EXAMPLE
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.config import Condition, HoldRule, ModelProvider, PriceTier, WeightedTarget
from tools.ai_gateway.configuration.read_document import read_toml

CONFIG = build_config(read_toml(EXAMPLE.encode()), version=7)


def test_every_section_of_the_file_is_in_force() -> None:
    assert (CONFIG.version, CONFIG.defaults.first_byte_s, CONFIG.defaults.breaker.failures) == (7, 20, 3)
    assert CONFIG.models["openai/gpt-5.2"].context_tokens == 400_000
    assert CONFIG.routes["chat"].targets[1] == WeightedTarget("anthropic/claude-sonnet-5", 30)
    assert (CONFIG.routes["chat"].sticky, CONFIG.routes["chat"].semantic) == ("session", 0.95)
    assert CONFIG.routes["auto"].when[1] == Condition("chat", metadata={"plan": "paid"})
    assert CONFIG.routes["deepseek-chat"].sunset == date(2026, 12, 31)
    assert (CONFIG.tenants["acme"].allow, CONFIG.tenants["acme"].deny) == (("bulk", "openai/*"), ("*secret*",))
    assert CONFIG.gateways["acme", "agents"].requests_per_min == 60
    assert (CONFIG.budgets[0].of.tenant, CONFIG.budgets[0].nano_usd, CONFIG.budgets[0].over) == ("acme", 100_000_000, "bulk")
    assert (CONFIG.limits[0].of.key, CONFIG.limits[0].requests, CONFIG.limits[0].tokens) == ("*", 100, None)
    assert (CONFIG.prices[0].since, CONFIG.prices[0].above) == (date(2026, 4, 24), (PriceTier(200_000, 0.28, 0.42),))
    assert (CONFIG.prices[1].neurons_per_request, CONFIG.prices[1].usd_per_1000_neurons) == (75, 0.011)
    assert CONFIG.experiments["cf"].hold == HoldRule(min_calls=50, error_rate=0.05)


def test_a_well_known_provider_keeps_what_the_file_does_not_say() -> None:
    assert CONFIG.providers["openai"] == ModelProvider("openai", "openai", "https://api.openai.com/v1", shared_key=True)
    assert CONFIG.providers["house"].base_url == "http://10.1.2.3:8000/v1"
    assert CONFIG.providers["ollama"].is_keyless


def test_without_a_file_there_are_the_two_tiers_and_the_well_known_providers() -> None:
    """features.md S0-103."""
    config = build_config({})
    assert [target.use for target in config.routes["bulk"].targets] == ["workers_ai/@cf/qwen/qwen3-30b-a3b-fp8"]
    assert [target.use for target in config.routes["standard"].targets] == ["deepseek/deepseek-v4-flash"]
    assert {"anthropic", "bedrock", "groq", "vllm"} < config.providers.keys()
