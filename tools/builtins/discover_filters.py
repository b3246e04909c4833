"""What a search may find, why it found nothing, and what there is to search."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.catalog.catalog import CatalogView
from tools.near_names import near
from tools.operation import Json, Operation

#: providers, or resources of one, that are named in an answer
MAX_NAMED = 40
#: tags that are named in an answer
MAX_TAGS = 8


@dataclass(frozen=True, slots=True)
class Filters:
    """What the caller asks for, in the catalogue's spelling. `unknown`: providers as they were written that nobody here has."""

    providers: frozenset[str]
    tags: frozenset[str]
    access: str
    gone: frozenset[tuple[str | None, str]]
    unknown: tuple[str, ...] = ()

    @property
    def finds_nothing(self) -> bool:
        """Say whether only providers were named that do not exist."""
        return bool(self.unknown) and not self.providers

    def within(self, view: CatalogView) -> Callable[[str], bool] | None:
        """Return what an id must pass to be found, or None where nothing is filtered."""
        if not self.providers and not self.tags and self.access == "any" and not self.gone:
            return None

        def passes(operation_id: str) -> bool:
            operation = view.operations_by_id.get(operation_id)
            return operation is not None and self._permits(operation)

        return passes

    def _permits(self, operation: Operation) -> bool:
        return (
            (operation.tenant_id, operation.id) not in self.gone
            and (not self.providers or operation.provider in self.providers)
            and (not self.tags or not self.tags.isdisjoint(operation.tags))
            and self.access in ("any", operation.access)
        )

    def excluded(self, view: CatalogView) -> str | None:
        """Return which filter leaves how much, where all of them together leave nothing."""
        left = [each for each in view.operations_by_id.values() if not self.providers or each.provider in self.providers]
        if any(map(self._permits, left)):
            return None
        facts = [f"{', '.join(sorted(self.providers))}: {len(left)} operations"] if self.providers else []
        if self.access != "any":
            facts.append(f"with access {self.access}: {sum(each.access == self.access for each in left)}")
        if self.tags:
            known = Counter(tag for each in left for tag in each.tags)
            most = ", ".join(tag for tag, _ in known.most_common(MAX_TAGS))
            tagged = sum(not self.tags.isdisjoint(each.tags) for each in left)
            asked = " or ".join([tag[:80] for tag in sorted(self.tags)[:MAX_TAGS]] + ["…"] * (len(self.tags) > MAX_TAGS))
            facts.append(f"tagged {asked}: {tagged}" + (f" (tags there: {most})" if most else ""))
        return "the filters leave nothing: " + "; ".join(facts) if facts else None


def filters_of(view: CatalogView, given: Mapping[str, Json], gone: frozenset[tuple[str | None, str]]) -> Filters:
    """Read the filters of a request; providers are known however they are capitalised."""
    by_lower = {name.lower(): name for name in view.providers} if "providers" in given else {}
    named = list(dict.fromkeys(given.get("providers", ())))
    known = frozenset(by_lower[name.lower()] for name in named if name.lower() in by_lower)
    unknown = tuple(name for name in named if name.lower() not in by_lower)
    return Filters(known, frozenset(given.get("tags", ())), given.get("access", "any"), gone, unknown)


def unknown_providers(view: CatalogView, unknown: tuple[str, ...]) -> dict[str, Json]:
    """Return the providers that were asked for in vain, each with those it resembles, and the providers that there are."""
    return {
        "unknown_providers": [
            {"provider": name[:80], "did_you_mean": list(near(name.lower(), view.providers))} for name in unknown[:MAX_NAMED]
        ],
        "providers": list(view.providers[:MAX_NAMED]) + (["…"] if len(view.providers) > MAX_NAMED else []),
    }


def overview(view: CatalogView, principal: Principal, credentials: Credentials, filters: Filters) -> list[dict[str, Json]]:
    """Return what there is, the largest first: providers with their operations, or the resources of the providers that are named."""
    passes = filters.within(view) or (lambda _id: True)
    by_place: dict[str, list[Operation]] = {}
    for operation_id, operation in view.operations_by_id.items():
        if "." in operation_id and passes(operation_id):
            place = ".".join(operation_id.split(".")[:2]) if filters.providers and operation_id.count(".") > 1 else operation.provider
            by_place.setdefault(place, []).append(operation)
    ranked = sorted(by_place.items(), key=lambda each: (-len(each[1]), each[0]))
    return [_place(principal, credentials, *each, is_provider=not filters.providers) for each in ranked]


def _place(principal: Principal, credentials: Credentials, name: str, operations: list[Operation], *, is_provider: bool) -> dict[str, Json]:
    entry: dict[str, Json] = {"provider" if is_provider else "resource": name, "operations": len(operations)}
    needed = next((each.connection for each in operations if each.connection is not None), None)
    if is_provider and needed is not None:
        entry["connection"] = credentials.readiness(principal, needed, frozenset()).status
    return entry
