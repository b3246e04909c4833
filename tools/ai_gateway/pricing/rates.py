"""What one model costs: whole pico-dollars a token (decision 0035), by date, hour of the day and size of the input."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from tools.ai_gateway.token_usage import TokenUsage

PICO = 1_000_000_000_000
#: a dollar a million tokens
PICO_PER_USD_PER_MILLION = 1_000_000
_PICO_PER_NANO = 1_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Pico-dollars for a token of each kind, and for the request itself."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    #: kept for an hour
    cache_write_1h: int = 0
    per_request: int = 0

    def nano_usd(self, usage: TokenUsage) -> int:
        """Return what this usage costs, rounded once, half up. Tokens read from a cache and written to one are within the input."""
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        written_1h = min(usage.cache_write_1h_tokens, written)
        pico = (
            (usage.input_tokens - cached - written) * self.input
            + cached * self.cached_input
            + (written - written_1h) * self.cache_write
            + written_1h * self.cache_write_1h
            + usage.output_tokens * self.output
            + self.per_request
        )
        return (pico + _PICO_PER_NANO // 2) // _PICO_PER_NANO

    def most_nano_usd(self, input_tokens: int, output_tokens: int) -> int:
        """Return what so many tokens cost where all of the input is of the dearest kind."""
        dearest = max(self.input, self.cached_input, self.cache_write, self.cache_write_1h)
        pico = input_tokens * dearest + output_tokens * self.output + self.per_request
        return (pico + _PICO_PER_NANO // 2) // _PICO_PER_NANO


@dataclass(frozen=True, slots=True)
class Price:
    """Rates and when they hold. `source` says whose word it is."""

    rates: Rates
    #: the first day, UTC; None: it has no beginning that anybody knows
    since: date | None = None
    #: minutes of the day, UTC, from and until; None: all day
    minutes: tuple[int, int] | None = None
    #: (input tokens, rates above that), ascending: the whole call is charged by the highest that it is above
    above: tuple[tuple[int, Rates], ...] = ()
    #: ISO date and whose word it is
    source: str = ""

    def holds(self, at: datetime) -> bool:
        utc = at.astimezone(UTC)
        if self.since is not None and utc.date() < self.since:
            return False
        if self.minutes is None:
            return True
        minute, (begin, end) = utc.hour * 60 + utc.minute, self.minutes
        return begin <= minute < end if begin <= end else minute >= begin or minute < end

    def of_size(self, input_tokens: int) -> Rates:
        """Return the rates of a call with so many input tokens."""
        return next((rates for more_than, rates in reversed(self.above) if input_tokens > more_than), self.rates)


def in_force(prices: tuple[Price, ...], at: datetime) -> Price | None:
    """Return which of a model's prices holds: the latest to begin, and of those of one day one for these hours only."""
    holding = [price for price in prices if price.holds(at)]
    return max(holding, key=lambda price: (price.since or date.min, price.minutes is not None), default=None)


def minutes_of(hours: str) -> tuple[int, int]:
    """Return "22:30-04:00" as minutes of the day. Raises ValueError."""
    begin, end = (datetime.strptime(part.strip(), "%H:%M").replace(tzinfo=UTC) for part in hours.split("-"))
    return begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
