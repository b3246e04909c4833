"""What calls came to, as people and programs read it."""

from tools.ai_gateway.stores import ModelUsage, UsageBy
from tools.metering.money import to_usd
from tools.operation import Json


def usage_row(by: UsageBy, usage: ModelUsage) -> dict[str, Json]:
    """Return the row of one model, provider, key, user or day, under that name."""
    return {
        by: usage.of,
        "calls": usage.calls,
        "errors": usage.errors,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": to_usd(usage.cost_nano_usd),
        "unpriced": usage.unpriced,
    }
