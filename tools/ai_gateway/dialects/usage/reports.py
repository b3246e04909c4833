"""Usage as callers' dialects report it."""

from typing import Any

from tools.ai_gateway.token_usage import TokenUsage


def chat_report(usage: TokenUsage) -> dict[str, Any]:
    """Return `usage` of a chat completion."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": usage.cache_write_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def response_report(usage: TokenUsage) -> dict[str, Any]:
    """Return `usage` of a response; clients need all of its details."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": usage.cache_write_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def message_report(usage: TokenUsage) -> dict[str, Any]:
    """Return `usage` of a message: what a cache held and took stands beside the input."""
    report: dict[str, Any] = {
        "input_tokens": usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        report["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return report


def estimated(given_chars: int, produced_chars: int) -> TokenUsage:
    """Return what a dialect that must report shows where the provider reported nothing."""
    return TokenUsage(input_tokens=given_chars // 4, output_tokens=produced_chars // 4, is_estimated=True)
