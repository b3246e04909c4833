"""The operations that a tenant can see: this process's snapshot, O(1) by id."""

import hashlib
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.operation import Operation
from tools.stores import OperationStore


@dataclass(frozen=True, slots=True)
class CatalogView:
    """What one tenant sees. `revision` changes when any of it does, and is equal in every process."""

    operations_by_id: Mapping[str, Operation]
    providers: tuple[str, ...]
    revision: str


class Catalog:
    """Loaded from the store once, then provider by provider as the change feed names them.

    Built-ins are code, not rows: they are installed once, and all tenants share them.
    """

    def __init__(self, store: OperationStore) -> None:
        self._store = store
        self._builtins: dict[str, Operation] = {}
        #: tenant id (None: shared) -> provider -> its operations
        self._by_owner: dict[str | None, dict[str, tuple[Operation, ...]]] = {}
        #: tenant id (None: shared) -> operation id -> operation
        self._by_id: dict[str | None, dict[str, Operation]] = {None: {}}
        #: tenant id (None: shared) -> provider -> digest of its operations
        self._digests: dict[str | None, dict[str, bytes]] = {None: {}}
        self._views: dict[str, CatalogView] = {}
        self._ids_anywhere: frozenset[str] | None = None

    def install(self, builtins: Iterable[Operation]) -> None:
        """Add the operations that the gateway brings along; they may need the catalogue themselves, so they come second."""
        self._builtins |= {operation.id: operation for operation in builtins}
        self._digests[None][""] = _digest(self._builtins.values())
        self._rebuild(None)

    async def load(self) -> None:
        """Read every operation of every tenant."""
        by_owner: dict[str | None, dict[str, list[Operation]]] = {}
        for operation in await self._store.load():
            by_owner.setdefault(operation.tenant_id, {}).setdefault(operation.provider, []).append(operation)
        self._by_owner = {
            owner: {provider: tuple(operations) for provider, operations in providers.items()} for owner, providers in by_owner.items()
        }
        for owner in {None, *self._by_owner, *self._by_id}:
            self._digests[owner] = {name: _digest(operations) for name, operations in self._by_owner.get(owner, {}).items()}
            self._rebuild(owner)
        self._digests[None][""] = _digest(self._builtins.values())

    async def refresh(self, tenant_id: str | None, provider: str) -> None:
        """Read one provider again (topic "operations" of the change feed)."""
        operations = await self._store.load_provider(tenant_id, provider)
        providers = self._by_owner.setdefault(tenant_id, {})
        digests = self._digests.setdefault(tenant_id, {})
        providers[provider], digests[provider] = tuple(operations), _digest(operations)
        if not operations:
            del providers[provider], digests[provider]
        self._rebuild(tenant_id)

    def get(self, tenant_id: str, operation_id: str) -> Operation | None:
        """Return the operation that `tenant_id` sees under this id: its own first, then the shared ones."""
        own = self._by_id.get(tenant_id)
        if own is not None and (found := own.get(operation_id)) is not None:
            return found
        return self._by_id[None].get(operation_id)

    def visible(self, tenant_id: str) -> CatalogView:
        """Return everything that `tenant_id` sees; the same object until something changes."""
        view = self._views.get(tenant_id)
        if view is None:
            view = self._views[tenant_id] = self._view(tenant_id)
        return view

    def connections(self, tenant_id: str) -> frozenset[str]:
        """Return the providers at which operations that `tenant_id` sees need an account."""
        seen = (*self._by_owner.get(tenant_id, {}).values(), *self._by_owner.get(None, {}).values())
        return frozenset(each.connection for operations in seen for each in operations if each.connection is not None)

    def operations_of(self, tenant_id: str | None, provider: str | None = None) -> tuple[Operation, ...]:
        """Return what one owner itself brings (None: what is shared), of one provider or of all."""
        operations = self._by_id.get(tenant_id, {}).values()
        return tuple(operation for operation in operations if provider is None or operation.provider == provider)

    def ids_of(self, tenant_id: str | None) -> Mapping[str, Operation]:
        """Return what one owner itself brings, by id; another object once it changes."""
        return self._by_id.get(tenant_id, _NONE)

    @property
    def ids_anywhere(self) -> frozenset[str]:
        """What the operations of every owner are called; kept until something changes."""
        if self._ids_anywhere is None:
            self._ids_anywhere = frozenset().union(*self._by_id.values())
        return self._ids_anywhere

    @property
    def owners(self) -> tuple[str | None, ...]:
        """Tenant ids that have operations of their own, and None for the shared ones."""
        return tuple(self._by_id)

    def _rebuild(self, owner: str | None) -> None:
        by_id = dict(self._builtins) if owner is None else {}
        for operations in self._by_owner.get(owner, {}).values():
            for operation in operations:
                # A built-in's name is ours: nothing imported may stand in its place.
                if operation.id not in self._builtins:
                    by_id[operation.id] = operation
        self._by_id[owner] = by_id
        self._ids_anywhere = None
        if owner is None:
            self._views.clear()
        else:
            self._views.pop(owner, None)

    def _view(self, tenant_id: str) -> CatalogView:
        own = self._digests.get(tenant_id, {})
        shared = self._digests[None]
        digest = hashlib.sha256()
        for digests in (own, shared):
            digest.update(b"".join(digests[provider] for provider in sorted(digests)) + b"|")
        providers = {*own, *(name for name in shared if name), *(each.provider for each in self._builtins.values())}
        operations = ChainMap(self._by_id.get(tenant_id, {}), self._by_id[None])
        return CatalogView(operations, tuple(sorted(providers)), digest.hexdigest()[:12])


_NONE: Mapping[str, Operation] = {}


def _digest(operations: Iterable[Operation]) -> bytes:
    hasher = hashlib.sha256()
    for line in sorted(f"{operation.id}\0{operation.content_hash}\n" for operation in operations):
        hasher.update(line.encode())
    return hasher.digest()
