"""Reports put together: what they are made from."""

from collections.abc import Callable, Collection

from oauth.tenants import DEFAULT_TENANT
from server.assembly.operations import Operations
from server.reports.sources import Sources
from server.storage.store import Store


def report_sources(store: Store, operations: Callable[[], Operations]) -> Sources:
    """Return what reports are made from; `operations`: asked when a report needs the catalogue."""

    def operations_of(tenant_id: str | None) -> Collection[tuple[str, str]]:
        known = operations().catalog.visible(tenant_id or DEFAULT_TENANT).operations_by_id
        return [(name, operation.provider) for name, operation in known.items() if operation.kind != "builtin"]

    return Sources(store, operations_of)
