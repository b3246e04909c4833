"""Retry-After is read once for everybody who comes again (RFC 9110 §10.2.3)."""

import math

import pytest

from oauth.retry_after import MAX_CHARS, retry_after_s

NOW = 1_795_780_800.0


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("-5", 0.0),
        ("inf", math.inf),
        ("Fri, 27 Nov 2026 12:01:00 GMT", 60.0),
        ("Friday, 27-Nov-26 12:01:00 GMT", 60.0),
        ("Fri Nov 27 12:01:00 2026", 60.0),
        ("Fri, 27 Nov 2026 12:01:00 -0000", 60.0),
        ("Fri, 27 Nov 2020 12:01:00 GMT", 0.0),
        ("nan", None),
        ("soon", None),
        ("Fri, 27 Nov 99999999 12:01:00 GMT", None),
        ("9" * (MAX_CHARS + 1), None),
        (" ", None),
        ("", None),
        (None, None),
    ],
)
def test_it_is_a_number_of_seconds_or_a_date(said: str | None, wait_s: float | None) -> None:
    assert retry_after_s(said, NOW) == wait_s
