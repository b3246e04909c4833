"""Reports put together: what they are made from, and the jobs that make them by themselves."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from oauth.tenants import DEFAULT_TENANT
from server.assembly.operations import Operations
from server.reports.kinds import KINDS
from server.reports.sources import DAY_US, Scope, Sources
from server.storage.store import Store
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


def report_sources(store: Store, operations: Callable[[], Operations]) -> Sources:
    """Return what reports are made from; `operations`: asked when a report needs the catalogue."""

    def operations_of(tenant_id: str | None) -> Collection[tuple[str, str]]:
        known = operations().catalog.visible(tenant_id or DEFAULT_TENANT).operations_by_id
        return [(name, operation.provider) for name, operation in known.items() if operation.kind != "builtin"]

    return Sources(store, operations_of)


def report_jobs(sources: Sources) -> Sequence[ReportJob]:
    """Return the jobs. The default tenant is the operator's: its reports are of the whole gateway, every other tenant's of its own."""

    async def make(kind: str, tenant_id: str, now_us: int) -> dict[str, Json]:
        return await made(sources, kind, None if tenant_id == DEFAULT_TENANT else tenant_id, now_us)

    return [ReportJob(name, title, partial(make, kind)) for name, (kind, title) in _JOBS.items()]


async def made(sources: Sources, kind: str, tenant_id: str | None, to_us: int, days: int | None = None) -> dict[str, Json]:
    """Return the report of a kind, of the `days` before `to_us`; tenant None: of the whole gateway. Raises KeyError."""
    of = KINDS[kind]
    report = await of.make(sources, Scope(tenant_id, to_us - (days or of.days) * DAY_US, to_us))
    return report.as_json(to_us)
