"""Dollars and billionths of a dollar."""

import pytest

from tools.metering.money import to_nano_usd, to_usd


@pytest.mark.parametrize(
    ("usd", "nano_usd"),
    [("0", 0), ("1", 10**9), ("0.1", 10**8), (0.1, 10**8), ("12.50", 12_500_000_000), (0.000000001, 1), ("1e6", 10**15)],
)
def test_dollars_are_counted_exactly(usd: str | float, nano_usd: int) -> None:
    assert to_nano_usd(usd) == nano_usd


@pytest.mark.parametrize("usd", ["-1", "nan", "inf", "1000001", "ten", "", "1,5"])
def test_what_is_no_amount_is_refused(usd: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_nano_usd(usd)


def test_an_amount_is_shown_as_it_was_written() -> None:
    assert [to_usd(to_nano_usd(each)) for each in ("0.02", "0.05", "300")] == [0.02, 0.05, 300.0]
