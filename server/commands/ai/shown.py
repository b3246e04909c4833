"""How the commands of the AI gateway show times."""

from datetime import UTC, datetime


def shown_time(at_us: int | None) -> str | None:
    """Return a time in UTC to the second, or None where there is none."""
    return None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
