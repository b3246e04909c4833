"""Times of the context plane: microseconds since the epoch, UTC, within; RFC 3339 outside."""

from datetime import UTC, date, datetime, timedelta

#: a window that is open on a side, as an int64 column of the index says it
SINCE_EVER, STILL = -(2**62), 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadTime(ValueError):
    """A text that is no time; the message says what one looks like."""


def time_us(text: str) -> int:
    """Read a time of RFC 3339, or a day, which begins at midnight UTC. Raises BadTime.

    A time without an offset is refused rather than guessed: it would be another moment in every office.
    """
    try:
        if len(text) == len("2026-11-27"):
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise BadTime(f"{text[:40]!r} is no time; write 2026-02-28T09:30:00Z, or a day: 2026-02-28") from error
    if moment.tzinfo is None:
        raise BadTime(f"{text[:40]!r} has no offset; end it with Z for UTC, or with one like +01:00")
    try:
        return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
    except OverflowError as error:
        raise BadTime(f"{text[:40]!r} is beyond the years 1 to 9999 in UTC; leave a side out where it is open") from error


def time_text(us: int | None) -> str | None:
    """Write a time as RFC 3339 in UTC, to the second where nothing is lost; None, a side that is open, stays None."""
    if us is None:
        return None
    moment = _EPOCH + timedelta(microseconds=us)
    return moment.isoformat(timespec="microseconds" if us % 1_000_000 else "seconds").replace("+00:00", "Z")
