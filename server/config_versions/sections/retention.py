"""`[retention]`: for how long things are kept (operations contract, "Retention")."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

Days = Annotated[int, Field(ge=1, le=3_650)]
#: Whoever may change the configuration could otherwise have the next sweep remove what tells of it.
TrailDays = Annotated[int, Field(ge=90, le=3_650)]
Backups = Annotated[int, Field(ge=1, le=1_000)]

DAY_US = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Retention:
    """In days, but for backups, which are counted."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    #: each call
    calls_days: Days = 30
    #: sums of an hour, kinds of errors
    hourly_sums_days: Days = 90
    #: sums of a day
    daily_sums_days: Days = 400
    #: who changed what, and what happened to tokens; versions of the configuration
    audit_days: TrailDays = 400
