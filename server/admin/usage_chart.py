"""What model calls came to, as a picture: bars in SVG, drawn here, without script or style, readable by screen readers."""

from collections.abc import Sequence
from html import escape

from tools.ai_gateway.stores import ModelUsage, UsageBy
from tools.metering.money import to_usd

#: bars; what is left of the list is one bar more
MAX_BARS = 31
MAX_LABEL_CHARS = 34
OTHERS = "all others"
#: pixels
_WIDTH, _ROW, _TOP, _BAR_FROM, _BAR_WIDTH = 940, 24, 40, 290, 330


def usage_chart(by: UsageBy, usages: Sequence[ModelUsage]) -> str:
    """Return an SVG document: a bar for each row by its dollars, or by its calls where nothing cost anything; days from the oldest on.

    Title and description say in words what the bars show (SVG 2 §5.4, WAI-ARIA `img`). `usages`: in the store's order.
    """
    bars = _bars(by, usages)
    total = sum(each.cost_nano_usd for each in usages)
    title = f"Model calls by {by}"
    heights = [each.cost_nano_usd if total else each.calls for each in bars]
    most = max(heights, default=0) or 1
    rows = [_row(place, each, height / most) for place, (each, height) in enumerate(zip(bars, heights, strict=True))]
    height = _TOP + _ROW * max(len(rows), 1) + 8
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img"'
            ' aria-labelledby="usage-title usage-description" font-family="system-ui, sans-serif" font-size="13" fill="currentColor">',
            f'<title id="usage-title">{title}</title>',
            f'<desc id="usage-description">{_described(bars, total, sum(each.calls for each in usages))}</desc>',
            f'<text x="0" y="20" font-size="15" font-weight="600">{title}</text>',
            *(rows or [f'<text x="0" y="{_TOP + 16}">No calls in this time.</text>']),
            "</svg>",
        )
    )


def _bars(by: UsageBy, usages: Sequence[ModelUsage]) -> list[ModelUsage]:
    if by == "day":
        # The store has the newest first; a picture reads from the oldest on.
        return list(reversed(usages[:MAX_BARS]))
    shown, rest = list(usages[:MAX_BARS]), usages[MAX_BARS:]
    if rest:
        calls, cost = sum(each.calls for each in rest), sum(each.cost_nano_usd for each in rest)
        shown.append(ModelUsage(OTHERS, calls, 0, 0, 0, 0, cost, 0))
    return shown


def _row(place: int, usage: ModelUsage, part: float) -> str:
    y = _TOP + _ROW * place
    width = round(_BAR_WIDTH * part, 1)
    return (
        f'<text x="{_BAR_FROM - 10}" y="{y + 15}" text-anchor="end">{_label(usage)}</text>'
        f'<rect x="{_BAR_FROM}" y="{y + 3}" width="{width}" height="{_ROW - 8}" rx="2" fill="#2f6fde"/>'
        f'<text x="{_BAR_FROM + width + 8:.1f}" y="{y + 15}">{_said(usage)}</text>'
    )


def _described(bars: Sequence[ModelUsage], total_nano_usd: int, calls: int) -> str:
    if not bars:
        return "No calls in this time."
    told = "; ".join(f"{_label(each)}: {_said(each)}" for each in bars)
    return f"${to_usd(total_nano_usd):,.2f} for {_counted(calls)} in all. {told}."


def _said(usage: ModelUsage) -> str:
    unpriced = f", {usage.unpriced:,} without a price" if usage.unpriced else ""
    return f"${to_usd(usage.cost_nano_usd):,.2f}, {_counted(usage.calls)}{unpriced}"


def _counted(calls: int) -> str:
    return f"{calls:,} call" if calls == 1 else f"{calls:,} calls"


def _label(usage: ModelUsage) -> str:
    """Return the name of a row; callers choose names of models and users, and XML takes not every character (XML 1.0 §2.2)."""
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in usage.of) or "none"
    return escape(text if len(text) <= MAX_LABEL_CHARS else f"{text[: MAX_LABEL_CHARS - 1]}…")
