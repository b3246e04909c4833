"""Times as commands read and show them: UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_AGO = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class PointInTime(click.ParamType[datetime]):
    """A day, a time, or so long ago: 2026-11-27, 2026-11-27T06:30Z, 24h."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if ago := _AGO.fullmatch(value):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            said = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write it like 2026-11-27, 2026-11-27T06:30Z or 24h (ago)", param, ctx)
        return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)


def shown_time(at_us: int | None) -> str | None:
    """Return a time in UTC to the second, or None where there is none."""
    return None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
