"""Usage of OpenAI's chat completions, responses and embeddings, and of those who speak like it; cached tokens are within the input."""

from tools.ai_gateway.dialects.usage.counts import count, says
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json


def openai_usage(report: Json) -> TokenUsage | None:
    """Return what a `usage` object says; None where it says nothing."""
    if not says(report, "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"):
        return None
    given = count(report, "prompt_tokens", "input_tokens")
    produced = count(report, "completion_tokens", "output_tokens")
    total = count(report, "total_tokens")
    details = report.get("prompt_tokens_details") or report.get("input_tokens_details")
    # DeepSeek and Moonshot name what their caches held beside the details.
    cached = count(details, "cached_tokens") or count(report, "prompt_cache_hit_tokens", "cached_tokens")
    written = count(details, "cache_write_tokens", "cache_creation_tokens")
    made = report.get("completion_tokens_details") or report.get("output_tokens_details")
    reasoning = count(made, "reasoning_tokens") or count(report, "reasoning_tokens")
    # xAI counts reasoning beside the output; the total tells.
    if reasoning and total == given + produced + reasoning:
        produced += reasoning
    # Rerankers report a total alone.
    if not given and not produced:
        given = total
    return TokenUsage(
        input_tokens=given,
        cached_input_tokens=min(cached, given),
        cache_write_tokens=min(written, given - min(cached, given)),
        output_tokens=produced,
        reasoning_tokens=min(reasoning, produced),
    )
