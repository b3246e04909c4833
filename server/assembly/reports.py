"""Reports put together: what they are made from."""

from collections.abc import Callable, Collection

from server.assembly.operations import Operations
from server.reports.sources import Sources
from server.storage.store import Store


def report_sources(store: Store, operations: Callable[[], Operations]) -> Sources:
    """Return what reports are made from; `operations`: asked when a report needs the catalogue."""

    def operations_of(tenant_id: str | None) -> Collection[tuple[str, str]]:
        catalog = operations().catalog
        if tenant_id is None:
            known = [operation for owner in catalog.owners for operation in catalog.operations_of(owner)]
        else:
            known = list(catalog.visible(tenant_id).operations_by_id.values())
        # A set: two tenants may have imported the same, and its calls are counted under one name.
        return sorted({(operation.id, operation.provider) for operation in known if operation.kind != "builtin"})

    return Sources(store, operations_of)
