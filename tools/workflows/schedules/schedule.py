"""A schedule: which workflow is started when, for whom; and what became of each of its slots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from tools.operation import Json
from tools.text.secrets_in_text import redact
from tools.workflows.ingestion.accounts import WITH_ACCOUNT
from tools.workflows.schedules.cron import Cron
from tools.workflows.stores import ENDED, ActsFor, RunView

MAX_REPORT_BYTES = 64 * 1024
MAX_REASON_CHARS = 300

#: builtin: each tenant has it; custom: somebody set it, or changed what the gateway brought
Origin = Literal["builtin", "custom"]
#: why it began: its slot came, its slot had come while nobody was there, somebody asked
Cause = Literal["slot", "catch_up", "manual"]
#: skipped: its predecessor still ran. lost: the run is not on record any more
SlotState = Literal["started", "skipped", "succeeded", "failed", "cancelled", "lost"]
#: not_taken: no node has come to it. still_running: what was started before has not ended
Lateness = Literal["not_taken", "still_running"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is started when. Times in microseconds since the epoch, UTC."""

    tenant_id: str
    name: str
    workflow: str
    cron: Cron
    given: Mapping[str, Json] = field(default_factory=dict)
    #: None: the gateway itself, whose runs call nothing
    acts_for: ActsFor | None = None
    origin: Origin = "custom"
    is_paused: bool = False
    #: None: paused, or there is no later slot
    next_at_us: int | None = None
    #: the store's; a slot is taken for the schedule as it was read, or not at all
    changed_at_us: int = 0

    @property
    def is_off(self) -> bool:
        """Say whether it is paused: here, or for every tenant by the configuration, which leaves a built-in one without a next slot."""
        return self.is_paused or (self.origin == "builtin" and self.name not in WITH_ACCOUNT and self.next_at_us is None)


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """One slot that came, or one start that somebody asked for; `slot_us` tells those of one schedule apart."""

    tenant_id: str
    name: str
    slot_us: int
    cause: Cause
    state: SlotState
    #: "": nothing was started
    run_id: str
    started_at_us: int
    ended_at_us: int | None = None
    #: slots after this one and before its start, which nothing was started for; MAX_COUNTED may be more
    missed: int = 0
    #: why it was skipped or failed, in our words
    reason: str = ""
    #: {title, findings, counts, checked_at}, where the workflow makes one
    report: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class LateSchedule:
    """A schedule that is not paused, of a tenant that is not suspended, whose slot came and started nothing."""

    tenant_id: str
    name: str
    #: the first slot that nothing was started for; microseconds since the epoch, UTC
    due_since_us: int
    why: Lateness
    #: the slot after that, so that a rule can wait for 1.5 periods; None: there is none, or nobody can say
    following_us: int | None


def ended(run: ScheduleRun, view: RunView | None, now_us: int) -> tuple[SlotState, int, str, Mapping[str, Json] | None] | None:
    """Return state, end, reason and report of a run that has ended; None while it goes on. `view` None: nobody knows it."""
    if view is None:
        return "lost", now_us, f"run {run.run_id} is not on record any more", None
    if view.state not in ENDED:
        return None
    state: SlotState = "succeeded" if view.state == "succeeded" else "cancelled" if view.state == "cancelled" else "failed"
    reason = redact(view.failure.message)[:MAX_REASON_CHARS] if view.failure else ""
    return state, view.updated_at_us, reason, report_of(view.result)


def report_of(result: Json) -> Mapping[str, Json] | None:
    """Return what a run gave if it is a report of at most MAX_REPORT_BYTES; of a longer one the findings that fit."""
    if not (isinstance(result, Mapping) and isinstance(result.get("title"), str) and isinstance(result.get("findings"), list)):
        return None
    whole = {name: result.get(name) for name in ("title", "findings", "counts", "checked_at")}
    # Of a report with figures, these first: what they sum up is in the history.
    whole |= {
        name: result[name]
        for name in ("about", "figures", "tables")
        if name in result and len(orjson.dumps(result[name])) < MAX_REPORT_BYTES // 4
    }
    findings = whole["findings"]
    while len(orjson.dumps(whole)) > MAX_REPORT_BYTES:
        if not findings:
            return None
        findings = findings[: len(findings) // 2]
        whole |= {"findings": findings, "left_out": len(result["findings"]) - len(findings)}
    return whole
