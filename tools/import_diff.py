"""What an import changes, computed the same way by every store."""

from collections.abc import Mapping, Sequence

from tools.operation import Operation
from tools.stores import ImportDiff

_TIER: dict[str, int] = {"read": 0, "write": 1, "destructive": 2}


def diff_of(known: Mapping[str, tuple[str, str]], given: Sequence[Operation]) -> ImportDiff:
    """Compare stored operations (id -> content hash, access) with the ones that an import brings."""
    given_ids = {operation.id for operation in given}
    changed = [operation for operation in given if operation.id in known and known[operation.id][0] != operation.content_hash]
    return ImportDiff(
        added=tuple(sorted(given_ids - known.keys())),
        changed=tuple(sorted(operation.id for operation in changed)),
        removed=tuple(sorted(known.keys() - given_ids)),
        riskier=tuple(sorted(operation.id for operation in changed if _TIER[operation.access] > _TIER[known[operation.id][1]])),
        unchanged=len(given_ids & known.keys()) - len(changed),
    )
