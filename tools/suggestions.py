"""What was probably meant by an operation id that does not exist."""

from collections import Counter, defaultdict
from difflib import SequenceMatcher

from tools.catalog import Catalog, CatalogView
from tools.operation import Failure

MAX_SUGGESTIONS = 3
_CANDIDATES = 40
_MIN_RATIO = 0.55


class Suggestions:
    """Near ids within what a tenant sees. Candidates come from shared letter triples, so a large catalogue stays fast."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        #: tenant id -> (the view it was made from, letter triple -> ids that contain it)
        self._triples: dict[str, tuple[CatalogView, dict[str, list[str]]]] = {}

    def unknown(self, tenant_id: str, operation_id: str) -> Failure:
        """Return the failure for an id that `tenant_id` does not see; another tenant's ids are as unknown as invented ones."""
        shown = operation_id[:120]
        return Failure(
            code="unknown_operation",
            message=f"no operation '{shown}'; try discover_apis",
            did_you_mean=self.near(tenant_id, operation_id),
            hint="discover_apis finds operations by what they are good for",
        )

    def near(self, tenant_id: str, operation_id: str) -> tuple[str, ...]:
        """Return up to three visible ids that resemble `operation_id`, the nearest first."""
        wanted = operation_id[:120].lower()
        ids_by_triple = self._index(tenant_id)
        shared = Counter(found for triple in _triples_of(wanted) for found in ids_by_triple.get(triple, ()))
        matcher = SequenceMatcher(b=wanted, autojunk=False)
        rated: list[tuple[float, str]] = []
        for candidate, _ in shared.most_common(_CANDIDATES):
            matcher.set_seq1(candidate.lower())
            if (ratio := matcher.ratio()) >= _MIN_RATIO:
                rated.append((-ratio, candidate))
        return tuple(candidate for _, candidate in sorted(rated)[:MAX_SUGGESTIONS])

    def _index(self, tenant_id: str) -> dict[str, list[str]]:
        view = self._catalog.visible(tenant_id)
        kept = self._triples.get(tenant_id)
        if kept is not None and kept[0] is view:
            return kept[1]
        ids_by_triple: defaultdict[str, list[str]] = defaultdict(list)
        for operation_id in view.operations_by_id:
            for triple in _triples_of(operation_id.lower()):
                ids_by_triple[triple].append(operation_id)
        self._triples[tenant_id] = (view, dict(ids_by_triple))
        return self._triples[tenant_id][1]


def _triples_of(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[position : position + 3] for position in range(len(padded) - 2)}
