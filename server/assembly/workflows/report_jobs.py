"""The jobs that make reports by themselves; loaded with the schedules that start them (docs/decisions/0059)."""

from collections.abc import Sequence
from functools import partial

from oauth.tenants import DEFAULT_TENANT
from server.reports.kinds import made
from server.reports.sources import DAY_US, Sources
from tools.operation import Json
from tools.workflows.jobs.reporting import ReportJob

#: name of the schedule and of its workflow -> the kind of report, and what the job does
_JOBS = {
    "weekly-digest": ("digest", "Say what the week came to"),
    "legacy-bearer": ("legacy-bearer", "Look who still uses static tokens"),
    "rotation-reminder": ("rotation", "Look for secrets and keys that are due to be renewed"),
    "sample-audit": ("sample", "Follow ten calls from end to end"),
    "zero-use": ("unused", "Look for operations that nobody used"),
    "cost-report": ("cost", "Say what the month cost"),
}


def report_jobs(sources: Sources) -> Sequence[ReportJob]:
    """Return the jobs. The default tenant is the operator's: its reports are of the whole gateway, every other tenant's of its own."""

    async def make(kind: str, tenant_id: str, now_us: int) -> dict[str, Json]:
        # They come at night: with the day just begun as the last one, most of the first day would be in no week's report.
        return await made(sources, kind, None if tenant_id == DEFAULT_TENANT else tenant_id, now_us // DAY_US * DAY_US)

    return [ReportJob(name, title, partial(make, kind)) for name, (kind, title) in _JOBS.items()]
