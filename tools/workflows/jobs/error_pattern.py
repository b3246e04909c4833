"""Kinds of failed calls that are new within an hour, or that grow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.context_plane.times import time_text
from tools.operation import Json
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow

HOUR_US = 3600 * 1_000_000
#: what an hour is compared with
BEFORE_HOURS = 24
#: so many in an hour, and so many times as many as in the hours before on average
GROWN_COUNT, GROWN_TIMES = 10, 3.0
#: kinds of a tenant that are looked at, those that came most
MOST_KINDS = 500


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Calls that failed in one way. `operation` "": names that nobody has, of which clients may invent any number."""

    operation: str
    code: str
    #: ours, upstream, caller, setup (tools/dispatch/failure_classes.py)
    error_class: str
    count: int
    first_at_us: int
    #: of one of them
    trace_id: str


class FailedCalls(Protocol):
    async def failures(self, tenant_id: str, from_us: int, to_us: int, most: int) -> Sequence[FailureKind]:
        """Return kinds of failures of a tenant in a time, those that came most first."""
        ...

    async def calls(self, tenant_id: str, from_us: int, to_us: int) -> int: ...


class ErrorPattern:
    def __init__(self, calls: FailedCalls) -> None:
        self._calls = calls

    def workflow(self) -> Workflow:
        title = "Look for kinds of errors that are new or grow"
        return Workflow("error-pattern", "1", self._body, Retry(3), title=title)

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")

        async def look() -> Json:
            from_us = now_us - HOUR_US
            before = await self._calls.failures(run.tenant_id, from_us - BEFORE_HOURS * HOUR_US, from_us, MOST_KINDS)
            now = await self._calls.failures(run.tenant_id, from_us, now_us, MOST_KINDS)
            return error_report(before, now, await self._calls.calls(run.tenant_id, from_us, now_us), now_us)

        return await run.step("look", look)


def error_report(before: Sequence[FailureKind], now: Sequence[FailureKind], calls: int, now_us: int) -> dict[str, Json]:
    """Return what is to be said of an hour's failures `now`, compared with those of the hours `before`; `calls`: of the hour, all."""
    counts = {(each.operation, each.code): each.count for each in before}
    findings = []
    for each in now:
        earlier = counts.get((each.operation, each.code), 0)
        usual = earlier / BEFORE_HOURS
        is_new, is_broken = not earlier, each.error_class in ("ours", "upstream")
        # A model that mistypes an argument once is nobody's concern; what breaks once is.
        if not (is_new and is_broken) and not (each.count >= GROWN_COUNT and each.count >= GROWN_TIMES * usual):
            continue
        about = f"{each.operation or 'operations that there are not'}: {each.code}"
        said = f"{each.count} in the last hour, " + ("none in the day before" if is_new else f"{usual:.1f} an hour in the day before")
        facts = {
            "operation": each.operation,
            "code": each.code,
            "class": each.error_class,
            "count": each.count,
            "before": earlier,
            "first_at": time_text(each.first_at_us),
            "trace_id": each.trace_id,
        }
        hint = f"`ascend trace {each.trace_id}` shows one of them, `ascend errors` all that was not in order"
        findings.append(finding("new" if is_new else "growing", about, said, hint, facts))
    totals = {"calls": calls, "failed": sum(each.count for each in now), "kinds": len(now)}
    return report("Errors of the last hour", findings, totals, now_us)
