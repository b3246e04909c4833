"""`[retention]`: for how long things are kept (operations contract, "Retention"). `server/housekeeping.py` keeps to it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from tools.workflows.webhooks.kept import BODY_KEPT_DAYS

Days = Annotated[int, Field(ge=1, le=3_650)]
#: Whoever may change the configuration could otherwise have the next sweep remove what tells of it.
TrailDays = Annotated[int, Field(ge=90, le=3_650)]
BodyDays = Annotated[int, Field(ge=1, le=BODY_KEPT_DAYS)]
Backups = Annotated[int, Field(ge=1, le=1_000)]


@dataclass(frozen=True, slots=True)
class Retention:
    """In days, but for backups, which are counted."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    #: each call of an operation, with its reason
    calls_days: Days = 30
    #: log lines that are kept for sinks and for traces
    lines_days: Days = 30
    #: kinds of failures, since they were seen last
    errors_days: Days = 90
    #: calls and tokens, summed up by the hour and by the day
    hourly_sums_days: Days = 90
    daily_sums_days: Days = 400
    #: what was not let through as it was asked
    decisions_days: Days = 400
    #: who changed what, what happened to sign-ins and tokens, and the versions of this configuration
    audit_days: TrailDays = 400
    #: calls of models and their charges: a quarter's bill can be looked into when it comes
    model_calls_days: Days = 120
    #: runs of workflows after their end, and which slots of a schedule started one
    runs_days: Days = 30
    job_runs_days: Days = 90
    #: what webhooks brought, which is others' data, and the runs that it started
    webhook_bodies_days: BodyDays = BODY_KEPT_DAYS
    #: the newest of all, and the newest of a month
    backups_weekly: Backups = 5
    backups_monthly: Backups = 12
