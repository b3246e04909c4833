"""Operations of one resource: what an answer names beside the operation that it describes."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from capability_index.search import Hit
from tools.catalog.catalog import Catalog
from tools.operation import Json, Operation

#: names of one group in an answer; how many more there are is said
MAX_NAMED = 8
#: what people look for first
_ORDER = ("create", "list", "get", "search", "update", "delete")


def group_of(operation_id: str) -> str:
    """Return the provider and resource of an id; empty where it has none."""
    return operation_id.rpartition(".")[0]


class Siblings:
    """The last words of all ids of one resource that a tenant sees."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        #: tenant id (None: shared) -> (the operations it was made from, resource -> last words)
        self._names: dict[str | None, tuple[Mapping[str, Operation], dict[str, list[str]]]] = {}

    def groups(
        self, tenant_id: str, hits: Sequence[Hit], described: Iterable[str], most: int, passes: Callable[[str], bool] | None
    ) -> list[dict[str, Json]]:
        """Return the first `most` resources among `hits` as {group, operations, more?}; operations: last words, the best found first.

        `described` ids are not named again, and a resource with nothing else to name is left out.
        """
        shown = frozenset(described)
        found: dict[str, list[str]] = {}
        for hit in hits:
            group, _, name = hit.slug.rpartition(".")
            if group in found or (group and len(found) < most):
                found.setdefault(group, []).append(name)
        groups = []
        for group, names in found.items():
            known = {name for owner in (tenant_id, None) for name in self._names_of(owner).get(group, ())}
            ordered = dict.fromkeys([*names, *sorted(known, key=_place)])
            named = [name for name in ordered if (each := f"{group}.{name}") not in shown and (passes is None or passes(each))]
            if named:
                left_out = {"more": len(named) - MAX_NAMED} if len(named) > MAX_NAMED else {}
                groups.append({"group": group, "operations": named[:MAX_NAMED], **left_out})
        return groups

    def _names_of(self, owner: str | None) -> dict[str, list[str]]:
        operations = self._catalog.ids_of(owner)
        kept = self._names.get(owner)
        if kept is None or kept[0] is not operations:
            names: dict[str, list[str]] = {}
            for operation_id in operations:
                group, _, name = operation_id.rpartition(".")
                names.setdefault(group, []).append(name)
            kept = self._names[owner] = (operations, names)
        return kept[1]


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)
