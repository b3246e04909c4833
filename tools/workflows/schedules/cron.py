"""When the slots of a schedule are: five fields of cron in an IANA time zone, by `cronsim`, which does as Debian's cron does.

Where the hour is a number, a time that the clocks skip is the first minute behind the gap, and one that they show twice is the first of
the two. Where minute or hour begin with `*`, slots follow elapsed time: what is skipped is not made up for, what comes twice counts twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from tools.near_names import near
from tools.operation import Json
from tools.plain_text import written_out

MAX_EXPRESSION_CHARS = 200
MAX_ZONE_CHARS = 64
#: slots that are counted one by one where a schedule was not looked at for long
MAX_COUNTED = 200
_SHORT_FORMS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
#: field -> (its rule, an example)
_FIELDS = (
    ("minute", "0 to 59, lists a,b, ranges a-b, steps */n", "*/15"),
    ("hour", "0 to 23, lists a,b, ranges a-b, steps */n", "9-17"),
    ("day-of-month", "1 to 31, lists, ranges, steps, L for the last day, LW for the last weekday", "1,15"),
    ("month", "1 to 12 or JAN to DEC, lists, ranges, steps", "JAN-JUN"),
    ("day-of-week", "0 to 7 (0 and 7 are Sunday) or SUN to SAT, lists, ranges, MON#2 for the second, 5L for the last", "MON-FRI"),
)
#: well behind the last day that a datetime can be
_EVER_US = 250_000_000_000 * 1_000_000


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots in microseconds since the epoch, UTC. Made of what `cron_faults` finds nothing wrong with."""

    expression: str
    zone: str

    def next_after(self, time_us: int) -> int | None:
        """Return the first slot after `time_us`; None where there is none in fifty years."""
        if time_us > _EVER_US:
            return None
        start = datetime.fromtimestamp(time_us // 1_000_000, UTC).astimezone(ZoneInfo(self.zone))
        for slot in CronSim(self.expression, start):
            # Of times that a clock shows twice cronsim means the first, which may be behind us by now.
            if (slot_us := int(slot.timestamp()) * 1_000_000) > time_us:
                return slot_us
        return None

    def passed(self, slot_us: int, now_us: int) -> int:
        """Say how many slots there were after `slot_us` and up to `now_us`; MAX_COUNTED may be more."""
        count, at_us = 0, self.next_after(slot_us)
        while at_us is not None and at_us <= now_us and count < MAX_COUNTED:
            count, at_us = count + 1, self.next_after(at_us)
        return count


def whole_expression(text: str) -> str:
    """Return five fields with one space between them: what `text`, which may be short like @daily, stands for."""
    plain = " ".join(text.split())
    return _SHORT_FORMS.get(plain.lower(), plain)


def cron_faults(expression: str, zone: str) -> list[Mapping[str, Json]]:
    """Say what is wrong with a `whole_expression` and a zone, all at once: [{path, value, rule, example}]."""
    faults = _zone_faults(zone)
    fields = expression.split()
    if len(fields) != len(_FIELDS) or len(expression) > MAX_EXPRESSION_CHARS:
        rule = "five fields: minute hour day-of-month month day-of-week; or @hourly, @daily, @weekly, @monthly, @yearly"
        return [_fault("cron", expression, rule, "30 6 * * MON-FRI"), *faults]
    bad = [
        _fault(f"cron.{name}", field, rule, example)
        for place, (field, (name, rule, example)) in enumerate(zip(fields, _FIELDS, strict=True))
        if not _is_cron(" ".join(field if place == other else "*" for other in range(len(_FIELDS))))
    ]
    if not bad and not (_is_cron(expression) and _comes_ever(expression)):
        bad = [_fault("cron", expression, "a time that comes", "0 0 28 2 *")]
    return [*bad, *faults]


def _is_cron(expression: str) -> bool:
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError, AssertionError):
        return False
    return expression.isascii()


def _comes_ever(expression: str) -> bool:
    return next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)), None) is not None


def _zone_faults(zone: str) -> list[Mapping[str, Json]]:
    try:
        if zone and len(zone) <= MAX_ZONE_CHARS and zone.isascii():
            ZoneInfo(zone)
            return []
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # It may name a folder of the database, or lead out of it.
    found = near(zone, sorted(available_timezones()), 1)
    return [_fault("zone", zone, "a time zone of the IANA database", found[0] if found else "Europe/Berlin")]


def _fault(path: str, value: str, rule: str, example: str) -> Mapping[str, Json]:
    return {"path": path, "value": written_out(value[:MAX_EXPRESSION_CHARS]), "rule": rule, "example": example}
