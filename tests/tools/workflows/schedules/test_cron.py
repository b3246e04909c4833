"""Slots in zones with clocks that jump, and expressions that are none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.workflows.schedules.cron import MAX_COUNTED, Cron, cron_faults, whole_expression

MINUTE_US = 60_000_000


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def slots(expression: str, zone: str, after: str, count: int) -> list[str]:
    cron, at_us, found = Cron(expression, zone), us(after), []
    for _ in range(count):
        following = cron.next_after(at_us)
        assert following is not None
        at_us = following
        found.append(datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%m-%dT%H:%MZ"))
    return found


def test_a_time_that_the_clocks_skip_is_the_first_minute_behind_the_gap() -> None:
    """Europe/Berlin, 2026-03-29: 02:00 becomes 03:00."""
    assert slots("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00+01:00", 3) == ["03-28T01:30Z", "03-29T01:00Z", "03-30T00:30Z"]


def test_two_times_in_one_gap_are_one_slot() -> None:
    """Both are the minute behind it."""
    assert slots("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", 3) == ["03-29T01:00Z", "03-30T00:15Z", "03-30T00:45Z"]


def test_a_time_that_the_clocks_show_twice_is_the_first_of_the_two() -> None:
    """Europe/Berlin, 2026-10-25: 03:00 becomes 02:00."""
    assert slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", 2) == ["10-25T00:30Z", "10-26T01:30Z"]
    # Asked between the two: the day's slot is over.
    assert slots("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10+01:00", 1) == ["10-26T01:30Z"]


def test_an_hourly_slot_comes_once_each_hour_that_passes() -> None:
    """The hour that the clocks show twice has two, the one that they skip none."""
    back = slots("5 * * * *", "Europe/Berlin", "2026-10-25T01:30+02:00", 3)
    assert back == ["10-25T00:05Z", "10-25T01:05Z", "10-25T02:05Z"]
    forth = slots("5 * * * *", "Europe/Berlin", "2026-03-29T01:00+01:00", 3)
    assert forth == ["03-29T00:05Z", "03-29T01:05Z", "03-29T02:05Z"]


def test_a_gap_of_half_an_hour_and_one_at_midnight_are_gaps_too() -> None:
    """Lord Howe jumps from 02:00 to 02:30, Cairo from 00:00 to 01:00."""
    assert slots("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00+10:30", 1) == ["10-03T15:30Z"]
    assert slots("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00+02:00", 2) == ["04-23T22:00Z", "04-24T21:00Z"]


@given(
    expression=st.sampled_from(["30 2 * * *", "*/20 * * * *", "0 */5 * * *", "15,45 1-3 * * *", "59 23 * * SUN", "0 0 1 * *"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia"]),
    hours=st.integers(0, 24 * 365 * 2),
)
def test_slots_only_go_forward_whatever_the_clocks_do(expression: str, zone: str, hours: int) -> None:
    """Or a slot would be taken twice, or the scheduler would never sleep."""
    cron, at_us = Cron(expression, zone), us("2026-01-01T00:00+00:00") + hours * 3600 * 1_000_000
    for _ in range(3):
        following = cron.next_after(at_us)
        assert following is not None
        assert at_us < following < at_us + 32 * 24 * 3600 * 1_000_000
        assert cron.next_after(following - 1) == following
        at_us = following


def test_a_slot_is_after_the_time_asked_and_never_at_it() -> None:
    """What was taken is not taken again, and half a second before it is in time."""
    cron, ten = Cron("0 * * * *", "UTC"), us("2026-11-28T10:00+00:00")
    assert cron.next_after(ten) == ten + 60 * MINUTE_US
    assert cron.next_after(ten - 500_000) == ten
    assert cron.next_after(2**62) is None


def test_slots_that_passed_are_counted_up_to_a_bound() -> None:
    """A schedule of each minute may have been left alone for a year."""
    cron, ten = Cron("*/10 * * * *", "UTC"), us("2026-11-28T10:00+00:00")
    assert [cron.passed(ten, ten + minutes * MINUTE_US) for minutes in (9, 10, 35)] == [0, 1, 3]
    assert cron.passed(ten, ten + int(timedelta(days=3000).total_seconds()) * 1_000_000) == MAX_COUNTED


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("60 * * * *", ["cron.minute"]),
        ("* 24 * * *", ["cron.hour"]),
        ("* * 0 * *", ["cron.day-of-month"]),
        ("* * * FOO *", ["cron.month"]),
        ("* * * * MON#6", ["cron.day-of-week"]),
        ("61 24 32 13 8", ["cron.minute", "cron.hour", "cron.day-of-month", "cron.month", "cron.day-of-week"]),
        ("*/0 * * * *", ["cron.minute"]),
        ("5-1 * * * *", ["cron.minute"]),
        ("١ * * * *", ["cron.minute"]),
        ("9" * 90 + " * * * *", ["cron.minute"]),
        ("* * * *", ["cron"]),
        ("0 0 * * * *", ["cron"]),
        ("", ["cron"]),
        ("9" * 5000 + " * * * *", ["cron"]),
        ("0 0 31 2 *", ["cron"]),
        ("0 0 30 2 *", ["cron"]),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_by_field(expression: str, paths: list[str]) -> None:
    """All at once, each with its rule and an example that would do."""
    faults = cron_faults(expression, "UTC")
    assert [fault["path"] for fault in faults] == paths
    for fault in faults:
        assert fault["rule"]
        fields = ["*"] * 5
        if (name := fault["path"].partition(".")[2]) and name:
            fields[["minute", "hour", "day-of-month", "month", "day-of-week"].index(name)] = fault["example"]
            assert cron_faults(" ".join(fields), "UTC") == []


@pytest.mark.parametrize("zone", ["Europe/Berlim", "", "../etc/passwd", "/etc/passwd", "America", "x" * 5000, "Zürich", "Europe/Berlin\n"])
def test_what_is_no_zone_is_said_with_one_that_is(zone: str) -> None:
    """zoneinfo takes names of files: none that is not a zone of the database is opened."""
    [fault] = cron_faults("0 0 * * *", zone)
    assert fault["path"] == "zone"
    assert cron_faults("0 0 * * *", fault["example"]) == []


def test_short_forms_stand_for_fields() -> None:
    """As everybody types them."""
    assert (whole_expression(" @Daily "), whole_expression("0  0 *\t* *")) == ("0 0 * * *", "0 0 * * *")
    assert cron_faults(whole_expression("@reboot"), "UTC")[0]["path"] == "cron"
