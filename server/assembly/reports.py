"""Reports put together: what they are made from."""

from collections.abc import Callable, Collection

from oauth.tenants import DEFAULT_TENANT
from server.assembly.operations import Operations
from server.reports.kinds import KINDS
from server.reports.sources import DAY_US, Scope, Sources
from server.storage.store import Store
from tools.operation import Json


def report_sources(store: Store, operations: Callable[[], Operations]) -> Sources:
    """Return what reports are made from; `operations`: asked when a report needs the catalogue."""

    def operations_of(tenant_id: str | None) -> Collection[tuple[str, str]]:
        known = operations().catalog.visible(tenant_id or DEFAULT_TENANT).operations_by_id
        return [(name, operation.provider) for name, operation in known.items() if operation.kind != "builtin"]

    return Sources(store, operations_of)


async def made(sources: Sources, kind: str, tenant_id: str | None, to_us: int, days: int | None = None) -> dict[str, Json]:
    """Return the report of a kind, of the `days` before `to_us`; tenant None: of the whole gateway. Raises KeyError."""
    of = KINDS[kind]
    report = await of.make(sources, Scope(tenant_id, to_us - (days or of.days) * DAY_US, to_us))
    return report.as_json(to_us)
