"""What a call costs and may cost: the operator's prices first, then the built-in book; unknown is None, never 0."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tools.ai_gateway.configuration.config import PriceRule
from tools.ai_gateway.pricing.builtin_prices import BuiltinPrices
from tools.ai_gateway.pricing.file_prices import file_prices
from tools.ai_gateway.pricing.rates import PICO_PER_USD_PER_MILLION, Price, in_force
from tools.ai_gateway.token_usage import TokenUsage
from tools.value_objects import value_object

#: what is remembered of models that were asked for; their names are the callers'
MAX_REMEMBERED = 1_000
#: A call is paid for when it ends, which may be in dearer hours than it began in.
_LONGEST_CALL = timedelta(hours=1)


@value_object
class Cost:
    """`price_from`: the date from which the price holds, or was known to hold, and whose word it is."""

    nano_usd: int
    price_from: str


class PriceBook:
    """Prices in force; `rules` are those of the configuration. Asks neither store nor network."""

    def __init__(self, rules: Callable[[], tuple[PriceRule, ...]], builtin: BuiltinPrices | None = None) -> None:
        self._rules = rules
        self._builtin = builtin or BuiltinPrices()
        self._compiled: tuple[PriceRule, ...] = ()
        #: (provider, model) -> series of prices; the first of which one holds decides
        self._series: dict[tuple[str, str], list[tuple[Price, ...]]] = {}

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Return the price that holds at `at` (aware); None where nobody knows one."""
        for series in self._of(provider, model):
            if (found := in_force(series, at)) is not None:
                return found
        return None

    def cost(self, provider: str, model: str, usage: TokenUsage, at: datetime) -> Cost | None:
        """Return what this usage costs; None: the price is not known."""
        price = self.price(provider, model, at)
        return None if price is None else Cost(price.of_size(usage.input_tokens).nano_usd(usage), price.source)

    def most_nano_usd(self, provider: str, model: str, input_tokens: int, output_tokens: int, at: datetime) -> int | None:
        """Return what so many tokens may cost at most, for a call that begins at `at`; None: the price is not known."""
        prices = [self.price(provider, model, when) for when in (at, at + _LONGEST_CALL)]
        known = [price for price in prices if price is not None]
        if len(known) < len(prices):
            return None
        # Whichever tier it turns out to be in: the count of tokens is an upper bound.
        rates = [each for price in known for each in (price.rates, *(above for more, above in price.above if input_tokens > more))]
        return max(each.most_nano_usd(input_tokens, output_tokens) for each in rates)

    def per_million(self, provider: str, model: str, at: datetime) -> float | None:
        """Return dollars for a million tokens in and a million out, to compare models by; None: not known."""
        price = self.price(provider, model, at)
        return None if price is None else (price.rates.input + price.rates.output) / PICO_PER_USD_PER_MILLION

    def request_nano_usd(self, provider: str, operation: str, at: datetime) -> int:
        """Return what one request to an operation costs: by the file alone, since the book is about models; 0 where no line is about it."""
        if not self._rules():
            return 0
        *of_file, _of_book = self._of(provider, operation)
        found = next((price for series in of_file if (price := in_force(series, at)) is not None), None)
        return 0 if found is None else found.rates.nano_usd(TokenUsage())

    def _of(self, provider: str, model: str) -> list[tuple[Price, ...]]:
        rules = self._rules()
        if rules is not self._compiled or len(self._series) >= MAX_REMEMBERED:
            self._compiled, self._series = rules, {}
        found = self._series.get((provider, model))
        if found is None:
            found = [*file_prices(rules, provider, model), self._builtin.prices(provider, model)]
            self._series[provider, model] = found
        return found
