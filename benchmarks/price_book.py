"""Write the built-in book of prices: python -m benchmarks.price_book [AS_OF].

Compiles the data of genai-prices, which is not needed to run, into `tools/ai_gateway/pricing/book.jsonl`: whole pico-dollars a token, by
date, hours and size of the input. Prices in other units (hours of audio, searches) are left out, and models that have no others.
"""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

BOOK = Path(__file__).parents[1] / "tools" / "ai_gateway" / "pricing" / "book.jsonl"
#: in the order of `Rates`; what a model has no price for is charged as the unit after it
UNITS = (
    ("input_mtok", None),
    ("output_mtok", None),
    ("cache_read_mtok", "input_mtok"),
    ("cache_write_mtok", "input_mtok"),
    ("cache_write_1h_mtok", "cache_write_mtok"),
)
_SIGNS = {"ClauseEquals": "=equals", "ClauseStartsWith": "^starts_with", "ClauseEndsWith": "$ends_with", "ClauseContains": "~contains"}


def book(as_of: str) -> bytes:
    """Return the whole file."""
    from genai_prices.data import providers  # noqa: PLC0415  only whoever writes the book has it

    lines = [orjson.dumps({"source": f"genai-prices {version('genai-prices')}", "as_of": as_of})]
    for provider in providers:
        models = [[_clause(model.match), prices] for model in provider.models if (prices := _prices(model.prices))]
        if models:
            lines.append(orjson.dumps({provider.id: models}))
    return b"\n".join(lines) + b"\n"


def _clause(match: Any) -> Any:
    kind = type(match).__name__
    if kind == "ClauseOr":
        return [_clause(each) for each in match.or_]
    if kind == "ClauseAnd":
        return {"all": [_clause(each) for each in match.and_]}
    if kind == "ClauseRegex":
        return f"/{match.regex}"
    sign, name = _SIGNS[kind][0], _SIGNS[kind][1:]
    return f"{sign}{getattr(match, name).lower()}"


def _prices(given: Any) -> list[dict[str, Any]]:
    entries = given if isinstance(given, list) else [given]
    # One entry has a date or hours there, never both: hours hold since the last date on which something changed.
    dates = [each.constraint.start_date.isoformat() for each in entries if hasattr(getattr(each, "constraint", None), "start_date")]
    found = []
    for entry in entries:
        constraint: Any = getattr(entry, "constraint", None)
        prices = vars(getattr(entry, "prices", entry))
        if not any(prices.get(unit) is not None for unit, _else in UNITS) and prices.get("requests_kcount") is None:
            continue
        price: dict[str, Any] = {"rates": _rates(prices, 0)}
        if starts := sorted({tier.start for each in prices.values() for tier in getattr(each, "tiers", ())}):
            price["above"] = [[start, _rates(prices, start + 1)] for start in starts]
        if hasattr(constraint, "start_date"):
            price["since"] = constraint.start_date.isoformat()
        elif hasattr(constraint, "start_time"):
            price["minutes"] = [at.hour * 60 + at.minute for at in (constraint.start_time, constraint.end_time)]
            price |= {"since": max(dates)} if dates else {}
        found.append(price)
    return found


def _rates(prices: dict[str, Any], input_tokens: int) -> list[int]:
    """Return the rates for a call with so many input tokens, in the order of `Rates`."""
    usd: dict[str, Decimal] = {}
    for unit, otherwise in UNITS:
        price = prices.get(unit)
        if price is None:
            usd[unit] = usd[otherwise] if otherwise else Decimal(0)
        else:
            tiers = [tier.price for tier in getattr(price, "tiers", ()) if input_tokens > tier.start]
            usd[unit] = tiers[-1] if tiers else getattr(price, "base", price)
    per_request = Decimal(prices.get("requests_kcount") or 0) / 1000
    return [*(int(usd[unit] * 1_000_000) for unit, _else in UNITS), int(per_request * 10**12)]


if __name__ == "__main__":
    day = sys.argv[1] if len(sys.argv) > 1 else datetime.now(UTC).date().isoformat()
    BOOK.write_bytes(book(day))
    print(f"{BOOK.name}: {BOOK.stat().st_size:,} bytes, prices as of {day}")
