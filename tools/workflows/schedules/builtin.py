"""Schedules that each tenant has from the start; one is due only where there is something to look at."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tools.workflows.schedules.cron import Cron, whole_expression
from tools.workflows.schedules.schedule import Schedule

#: name of the schedule and of its workflow -> how often it comes
_EVERY = {
    "token-health": "hour",
    "error-pattern": "hour",
    "docs-freshness": "day",
    "backup-verify": "day",
    "backup": "week",
    "weekly-digest": "week",
    "legacy-bearer": "week",
    "rotation-reminder": "week",
    "sample-audit": "month",
    "zero-use": "month",
    "cost-report": "month",
}
BUILTIN = frozenset(_EVERY)
_TIMES = {"hour": "* * * *", "day": "{hour} * * *", "week": "{hour} * * 0", "month": "{hour} 1 * *"}
#: UTC; what comes daily comes when few are at work in most places
_FIRST_HOUR, _HOURS = 1, 4


class OtherTimes(Protocol):
    """What an operator says of a built-in schedule of every tenant; "": as it is brought."""

    @property
    def cron(self) -> str: ...

    @property
    def zone(self) -> str: ...

    @property
    def paused(self) -> bool: ...


#: what is said now, by the name of the schedule
TimesSaid = Callable[[], Mapping[str, OtherTimes]]


def as_brought() -> Mapping[str, OtherTimes]:
    """Return that nobody said anything."""
    return {}


def builtin_schedules(tenant_id: str, now_us: int, said: Mapping[str, OtherTimes] = as_brought()) -> Sequence[Schedule]:
    """Return a tenant's built-in schedules, each with its next slot after `now_us`; one that is said to be paused has none.

    Minutes differ by tenant and name and stay what they are: a thousand tenants are not looked at in one second.
    """
    found = []
    for name, every in _EVERY.items():
        minute, hour = divmod(minute_of(tenant_id, name, 60 * _HOURS), _HOURS)
        expression, other = f"{minute} {_TIMES[every].format(hour=_FIRST_HOUR + hour)}", said.get(name)
        cron = Cron(expression, "UTC")
        if other is not None:
            cron = Cron(whole_expression(other.cron) or expression, other.zone or "UTC")
        next_at_us = None if other is not None and other.paused else cron.next_after(now_us)
        found.append(Schedule(tenant_id, name, name, cron, origin="builtin", next_at_us=next_at_us))
    return found


def minute_of(tenant_id: str, name: str, minutes: int) -> int:
    """Return which of so many minutes is that of a tenant's schedule: it stays what it is, and differs from others'."""
    return int.from_bytes(hashlib.sha256(f"{tenant_id}/{name}".encode()).digest()[:4], "big") % minutes
