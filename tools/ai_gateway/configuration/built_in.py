"""What holds where the file says nothing: the well-known providers, and the two tiers that have a model of their own."""

from typing import Final

from tools.ai_gateway.configuration.config import ModelProvider, ModelRoute, WeightedTarget

#: Base URLs are as the providers' SDKs take them. Workers AI has none before the file names the account (…/accounts/ID).
PROVIDERS: Final = {
    provider.name: provider
    for provider in (
        ModelProvider("openai", "openai", "https://api.openai.com/v1"),
        ModelProvider("anthropic", "anthropic", "https://api.anthropic.com"),
        ModelProvider("gemini", "gemini", "https://generativelanguage.googleapis.com"),
        ModelProvider("bedrock", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ModelProvider("workers_ai", "workers_ai", ""),
        ModelProvider("deepseek", "openai", "https://api.deepseek.com/v1", has_responses=False),
        ModelProvider("openrouter", "openai", "https://openrouter.ai/api/v1", has_responses=False),
        ModelProvider("groq", "openai", "https://api.groq.com/openai/v1", has_responses=False),
        ModelProvider("cerebras", "openai", "https://api.cerebras.ai/v1", has_responses=False),
        ModelProvider("perplexity", "openai", "https://api.perplexity.ai", has_responses=False),
        ModelProvider("mistral", "openai", "https://api.mistral.ai/v1", has_responses=False),
        ModelProvider("together", "openai", "https://api.together.xyz/v1", has_responses=False),
        ModelProvider("ollama", "openai", "http://127.0.0.1:11434/v1", has_responses=False, is_keyless=True),
        ModelProvider("vllm", "openai", "http://127.0.0.1:8000/v1", has_responses=False, is_keyless=True),
    )
}
#: features.md S0-103
ROUTES: Final = {
    route.name: route
    for route in (
        ModelRoute("bulk", (WeightedTarget("workers_ai/@cf/qwen/qwen3-30b-a3b-fp8"),)),
        ModelRoute("standard", (WeightedTarget("deepseek/deepseek-v4-flash"),)),
    )
}
#: the tier that nobody gets unasked: its callers name the model themselves
FRONTIER: Final = "frontier"
TIERS: Final = ("bulk", "standard", FRONTIER)
#: names that are no route and no model
RESERVED_NAMES: Final = frozenset({"default"})
#: how models are called that clients name without a provider: what the name begins with -> who serves it
PROVIDER_BY_PREFIX: Final = {
    "claude-": "anthropic",
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4-": "openai",
    "codex-": "openai",
    "text-embedding-": "openai",
    "gemini-": "gemini",
    "deepseek-": "deepseek",
    "sonar": "perplexity",
    "@cf/": "workers_ai",
}
