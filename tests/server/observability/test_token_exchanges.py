"""What operators see of the token endpoint: metrics at once, the history in batches, nothing lost while it is away."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from oauth.token import TokenExchange
from server.observability.token_exchanges import TokenExchanges


class Hours:
    def __init__(self) -> None:
        self.is_away = False
        self.fault: Exception | None = None
        self.kept: list[TokenExchange] = []

    async def add(self, exchanges: Iterable[TokenExchange]) -> None:
        if self.is_away:
            raise OSError("away")
        if self.fault is not None:
            raise self.fault
        self.kept += exchanges


def exchange(outcome: str = "issued") -> TokenExchange:
    return TokenExchange(1.0, 20.0, "refresh_token", outcome, "acme")


async def test_each_exchange_is_counted_and_waits_for_the_history() -> None:
    hours, registry = Hours(), CollectorRegistry()
    exchanges = TokenExchanges(hours, (OSError,))
    exchanges.register(registry)
    exchanges.exchanged(exchange())
    exchanges.exchanged(exchange("invalid_grant"))
    labels = {"grant_type": "refresh_token", "outcome": "invalid_grant"}
    assert registry.get_sample_value("ascend_token_requests_total", labels) == 1
    assert registry.get_sample_value("ascend_token_duration_seconds_count", {"grant_type": "refresh_token"}) == 2
    assert hours.kept == []
    await exchanges.flush()
    assert [each.outcome for each in hours.kept] == ["issued", "invalid_grant"]


async def test_a_history_that_is_away_gets_all_of_it_later_in_order() -> None:
    hours = Hours()
    exchanges = TokenExchanges(hours, (OSError,))
    hours.is_away = True
    exchanges.exchanged(exchange("issued"))
    await exchanges.flush()
    exchanges.exchanged(exchange("invalid_scope"))
    hours.is_away = False
    await exchanges.flush()
    await exchanges.flush()
    assert [each.outcome for each in hours.kept] == ["issued", "invalid_scope"]


async def test_what_the_history_does_not_take_holds_up_nothing_that_comes_after_it() -> None:
    hours = Hours()
    exchanges = TokenExchanges(hours, (OSError,))
    hours.fault = ValueError("a row that breaks a rule")
    exchanges.exchanged(exchange("issued"))
    await exchanges.flush()
    hours.fault = None
    exchanges.exchanged(exchange("invalid_scope"))
    await exchanges.flush()
    assert [each.outcome for each in hours.kept] == ["invalid_scope"]
