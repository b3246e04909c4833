"""Prices of the operator's file, which go before the built-in book."""

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from tools.ai_gateway.configuration.config import PriceRule, PriceTier
from tools.ai_gateway.pricing.rates import PICO, PICO_PER_USD_PER_MILLION, Price, Rates, minutes_of

#: Providers that keep what is written for an hour take twice the price of the input for that.
_HOUR_FACTOR = 2


def file_prices(rules: Sequence[PriceRule], provider: str, model: str) -> list[tuple[Price, ...]]:
    """Return the prices of a model by the globs that it fits, in the order of the file; lines of one glob are one series."""
    by_glob: dict[str, list[Price]] = {}
    for rule in rules:
        if fnmatchcase(f"{provider}/{model}", rule.model) or fnmatchcase(model, rule.model):
            by_glob.setdefault(rule.model, []).append(_price(rule))
    # The first of equals wins, and `max` takes the first.
    return [tuple(series) for series in by_glob.values()]


def _price(rule: PriceRule) -> Price:
    base = _rates(rule, rule.input, rule.output)
    tiers = sorted(rule.above, key=lambda tier: tier.input_tokens)
    return Price(
        rates=base,
        since=rule.since,
        minutes=minutes_of(rule.utc) if rule.utc else None,
        above=tuple((tier.input_tokens, _tier(rule, tier)) for tier in tiers),
        source=f"{rule.since.isoformat()} file",
    )


def _tier(rule: PriceRule, tier: PriceTier) -> Rates:
    return _rates(rule, tier.input, tier.output)


def _rates(rule: PriceRule, input_usd: float, output_usd: float) -> Rates:
    """Return rates for an input price; those of caches rise with it."""
    rise = Decimal(str(input_usd)) / Decimal(str(rule.input)) if rule.input else Decimal(1)
    per_request = Decimal(str(rule.per_request))
    per_request += Decimal(str(rule.neurons_per_request)) * Decimal(str(rule.usd_per_1000_neurons)) / 1000
    cached_input = input_usd if rule.cached_input is None else Decimal(str(rule.cached_input)) * rise
    cache_write = input_usd if rule.cache_write is None else Decimal(str(rule.cache_write)) * rise
    hour = cache_write if rule.cache_write is None else max(Decimal(cache_write), _HOUR_FACTOR * Decimal(str(input_usd)))
    return Rates(
        input=per_token(input_usd),
        output=per_token(output_usd),
        cached_input=per_token(cached_input),
        cache_write=per_token(cache_write),
        cache_write_1h=per_token(hour),
        per_request=int((per_request * PICO).to_integral_value()),
    )


def per_token(usd_per_million: Decimal | float) -> int:
    """Return a price in dollars a million tokens as whole pico-dollars a token."""
    return int((Decimal(str(usd_per_million)) * PICO_PER_USD_PER_MILLION).to_integral_value())
