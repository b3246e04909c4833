"""Usage of Gemini and of Bedrock's Converse."""

from tools.ai_gateway.dialects.usage.counts import count, says
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json


def gemini_usage(report: Json) -> TokenUsage | None:
    """Return what `usageMetadata` says: thoughts stand beside the candidates, cached tokens are within the prompt."""
    if not says(report, "promptTokenCount", "candidatesTokenCount", "totalTokenCount"):
        return None
    given = count(report, "promptTokenCount") + count(report, "toolUsePromptTokenCount")
    thoughts = count(report, "thoughtsTokenCount")
    return TokenUsage(
        input_tokens=given,
        cached_input_tokens=min(count(report, "cachedContentTokenCount"), given),
        output_tokens=count(report, "candidatesTokenCount") + thoughts,
        reasoning_tokens=thoughts,
    )


def bedrock_usage(report: Json) -> TokenUsage | None:
    """Return what `usage` of Converse says: cache reads and writes stand beside the input, as with Anthropic."""
    if not says(report, "inputTokens", "outputTokens"):
        return None
    cached = count(report, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = count(report, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    details = report.get("cacheDetails")
    hours = (
        [count(each, "inputTokens") for each in details if isinstance(each, dict) and each.get("ttl") == "1h"]
        if isinstance(details, list)
        else []
    )
    return TokenUsage(
        input_tokens=count(report, "inputTokens") + cached + written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(sum(hours), written),
        output_tokens=count(report, "outputTokens"),
    )


def invocation_usage(report: Json) -> TokenUsage | None:
    """Return what the metrics of InvokeModel say, for every model maker alike."""
    if not says(report, "inputTokenCount", "outputTokenCount"):
        return None
    cached, written = count(report, "cacheReadInputTokenCount"), count(report, "cacheWriteInputTokenCount")
    return TokenUsage(
        input_tokens=count(report, "inputTokenCount") + cached + written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=count(report, "outputTokenCount"),
    )
