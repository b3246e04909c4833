"""The prices in force, for commands: those of the configuration before the built-in book."""

from dataclasses import dataclass
from datetime import datetime

from server.storage.store import Store
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.pricing.builtin_prices import BuiltinPrices
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.pricing.rates import PICO, PICO_PER_USD_PER_MILLION, Price
from tools.ai_gateway.routing.routing_table import RoutingTable


@dataclass(frozen=True, slots=True)
class Priced:
    config: AiConfig
    builtin: BuiltinPrices
    book: PriceBook

    def of(self, name: str, at: datetime) -> list[tuple[str, Price | None]]:
        """Return the price of a model, or of each model that a route may reach."""
        if "/" not in name and name in self.config.routes:
            models = self.models_of(name)
        else:
            # As a request may name it: `gpt-5.2` is openai's.
            target = RoutingTable(self.config).target(name)
            models = [target.name if target is not None else name]
        return [(model, self.book.price(*_split(model), at)) for model in models]

    def models_of(self, route: str) -> list[str]:
        """Return the models behind a route, through other routes too, each once."""
        found: dict[str, None] = {}
        waiting, seen = [route], {route}
        while waiting:
            rule = self.config.routes[waiting.pop(0)]
            for use in (*(target.use for target in rule.targets), *(condition.use for condition in rule.when)):
                if use in self.config.routes and use not in seen:
                    waiting.append(use)
                    seen.add(use)
                elif use not in self.config.routes:
                    found[use] = None
        return list(found)


async def known_prices(store: Store) -> Priced:
    """Return the prices of the newest configuration."""
    live = LiveConfig(store.ai_configs)
    await live.load()
    builtin = BuiltinPrices()
    return Priced(live.current, builtin, PriceBook(lambda: live.current.prices, builtin))


def price_row(model: str, price: Price) -> dict[str, object]:
    """Return a price as people read it: dollars for a million tokens, dollars a request."""
    rates = price.rates
    date, _space, source = price.source.partition(" ")
    return {
        "model": model,
        "input": rates.input / PICO_PER_USD_PER_MILLION,
        "output": rates.output / PICO_PER_USD_PER_MILLION,
        "cached_input": rates.cached_input / PICO_PER_USD_PER_MILLION,
        "cache_write": rates.cache_write / PICO_PER_USD_PER_MILLION,
        "cache_write_1h": rates.cache_write_1h / PICO_PER_USD_PER_MILLION,
        "per_request": rates.per_request / PICO,
        "above": "; ".join(
            f"{more_than} tokens: {above.input / PICO_PER_USD_PER_MILLION:g}/{above.output / PICO_PER_USD_PER_MILLION:g}"
            for more_than, above in price.above
        ),
        "utc": "" if price.minutes is None else "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in price.minutes),
        "from": date,
        "source": source,
    }


def _split(model: str) -> tuple[str, str]:
    provider, _slash, name = model.partition("/")
    return provider, name
