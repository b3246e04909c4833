"""A moment as addresses and answers write it: ISO 8601, in UTC to the microsecond, so that text sorts as time does."""

from datetime import UTC, datetime


def moment_us(text: str) -> int:
    """Return microseconds since the epoch of a date or a time; UTC where it names no zone. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    except OverflowError as error:
        raise ValueError("the time lies outside of what calendars have") from error


def moment_text(at_us: int) -> str:
    """Return how a moment is written."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
