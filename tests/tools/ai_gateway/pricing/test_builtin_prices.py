"""The built-in book knows the models that the configuration names, each with a date and whose word it is."""

from datetime import UTC, datetime

import pytest

from benchmarks import price_book
from tools.ai_gateway.pricing.builtin_prices import BuiltinPrices, matches
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.token_usage import TokenUsage

MILLION = TokenUsage(input_tokens=100_000, output_tokens=1_000_000)
BOOK = PriceBook(tuple)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model", "input_usd", "output_usd"),
    [
        ("workers_ai", "@cf/qwen/qwen3-30b-a3b-fp8", 0.051, 0.335),
        ("anthropic", "claude-opus-4-8", 5, 25),
        ("openai", "gpt-5.2", 1.75, 14),
        ("openai", "gpt-5.2-2025-12-11", 1.75, 14),
        ("openai", "GPT-5.2-20251211", 1.75, 14),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3.3, 16.5),
    ],
)
def test_the_models_of_the_design_have_a_price(provider: str, model: str, input_usd: float, output_usd: float) -> None:
    found = BOOK.price(provider, model, at("2026-11-27T12:00"))
    assert found is not None
    assert (found.rates.input, found.rates.output) == (input_usd * 1_000_000, output_usd * 1_000_000)
    assert found.source.startswith("2026-")
    assert "genai-prices" in found.source


@pytest.mark.parametrize(
    ("when", "usd", "since"),
    [
        ("2026-08-16T12:00", 0.14 / 10 + 0.28, "2026-11-27"),
        ("2026-08-17T12:00", 0.22 / 10 + 0.66, "2026-08-17"),
        ("2026-09-10T12:00", 0.15 / 10 + 0.60, "2026-09-10"),
        ("2026-11-27T01:30", 0.30 / 10 + 1.20, "2026-09-10"),
        ("2026-11-27T06:00", 0.30 / 10 + 1.20, "2026-09-10"),
        ("2026-11-27T04:00", 0.15 / 10 + 0.60, "2026-09-10"),
        # The book has hours without a date; they hold since the last date on which something changed.
        ("2026-08-01T02:00", 0.14 / 10 + 0.28, "2026-11-27"),
    ],
)
def test_dates_and_hours_are_no_contradiction(when: str, usd: float, since: str) -> None:
    """features.md, conflict 6: DeepSeek V4-Flash by date and by peak hours."""
    found = BOOK.cost("deepseek", "deepseek-v4-flash", MILLION, at(when))
    assert found is not None
    assert found.nano_usd == round(usd * 10**9)
    assert found.price_from.startswith(since)


def test_what_is_written_for_an_hour_and_what_is_asked_beside_tokens() -> None:
    opus, sonar = (BOOK.price(*name, at("2026-11-27T12:00")) for name in (("anthropic", "claude-opus-4-8"), ("perplexity", "sonar")))
    assert opus is not None
    assert (opus.rates.cached_input, opus.rates.cache_write, opus.rates.cache_write_1h) == (500_000, 6_250_000, 10_000_000)
    assert sonar is not None
    assert sonar.rates.per_request == 12 * 10**9


def test_a_large_input_is_charged_by_its_tier() -> None:
    price = BOOK.price("gemini", "gemini-2.5-pro", at("2026-11-27T12:00"))
    assert price is not None
    assert price.of_size(200_001).input == 2 * price.of_size(200_000).input


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-nobody"), ("nobody", "gpt-5.2"), ("openai", "")])
def test_what_the_book_does_not_know_has_no_price(provider: str, model: str) -> None:
    assert BuiltinPrices().prices(provider, model) == ()


@pytest.mark.parametrize(
    ("clause", "name", "is_it"),
    [
        ("=a", "a", True), ("=a", "ab", False), ("^a", "ab", True), ("$b", "ab", True), ("~b", "abc", True), ("/^a\\d$", "a1", True),
        (["=x", "^a"], "ab", True), (["=x", "=y"], "ab", False), ({"all": ["^a", "$c"]}, "abc", True),
        ({"all": ["^a", "$b"]}, "abc", False),
    ],
)  # fmt: skip
def test_a_model_is_found_by_what_it_is_matched_by(clause: object, name: str, is_it: bool) -> None:
    assert matches(clause, name) is is_it


def test_the_book_is_what_the_data_says() -> None:
    """Written anew by `python -m benchmarks.price_book`, it would be the same."""
    pytest.importorskip("genai_prices")
    kept = price_book.BOOK.read_bytes()
    assert price_book.book(as_of=kept.split(b'"as_of":"')[1][:10].decode()) == kept
