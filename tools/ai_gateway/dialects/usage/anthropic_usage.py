"""Usage of Anthropic's messages: what a cache held and took stands beside the input; a stream reports twice and the second counts."""

from collections.abc import Mapping

from tools.ai_gateway.dialects.usage.counts import count, says
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json


def anthropic_usage(report: Json) -> TokenUsage | None:
    """Return what a `usage` object says; None where it says nothing."""
    if not says(report, "input_tokens", "output_tokens"):
        return None
    cached, written = count(report, "cache_read_input_tokens"), count(report, "cache_creation_input_tokens")
    parts = report.get("cache_creation")
    hour = count(parts, "ephemeral_1h_input_tokens")
    written = max(written, hour + count(parts, "ephemeral_5m_input_tokens"))
    produced = count(report, "output_tokens")
    return TokenUsage(
        input_tokens=count(report, "input_tokens") + cached + written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        output_tokens=produced,
        reasoning_tokens=min(count(report.get("output_tokens_details"), "thinking_tokens", "reasoning_tokens"), produced),
    )


def merged(before: Mapping[str, Json], report: Json) -> dict[str, Json]:
    """Return both reports of a stream as one: `message_delta` is cumulative, and what it names replaces what `message_start` said."""
    if not isinstance(report, Mapping):
        return dict(before)
    return {**before, **{name: value for name, value in report.items() if value is not None}}
