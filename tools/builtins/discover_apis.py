"""discover_apis: intent -> operations, ready to call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Protocol

from anyio import CapacityLimiter, to_thread

from capability_index.ranking.intent import clauses_of
from capability_index.search import Hit, SearchResult, Visible
from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from oauth.scopes import permits
from tools.always_on import DISCOVER_APIS
from tools.builtins.described import described, shortened
from tools.builtins.discover_filters import MAX_NAMED, Filters, filters_of, overview, unknown_providers
from tools.builtins.discover_text import text_of, way_on
from tools.builtins.siblings import Siblings
from tools.catalog.catalog import Catalog, CatalogView
from tools.catalog.search_documents import SHARED_SEGMENT
from tools.catalog.search_feedback import SearchFeedback
from tools.catalog.suggestions import MAX_ANSWERED, Suggestions
from tools.context_plane.stores import Scope
from tools.dispatch.policy import Policy
from tools.fair_semaphore import FairSemaphore
from tools.operation import Call, Json, Operation, Outcome
from tools.sources.builtin import BuiltinFunction

DEFAULT_LIMIT = 6
MAX_LIMIT = 20
#: of each query where several are asked and nothing is said: not more than twenty in all
_SHARED_LIMIT = 4
#: how far down the ranking the groups of an answer go
_GROUPED = 40
MAX_OFFSET = 200
#: schemas of twenty operations can fill a model's whole context
MAX_FULL_CHARS = 40_000
#: apart from the threads that others need: an endpoint that hangs holds one for as long as a search waits for it
_MAX_WAITING_SEARCHES = 16

#: what a question is asked in; what comes after it is not searched for
MAX_QUERY_CHARS = 2_000
#: where what is remembered is asked for
_MEMORY = "context_query"
#: of all queries of a call; a search for more takes up to 0.1 s, and goes into a thread
_QUICK_CHARS = 400


class Finder(Protocol):
    """CapabilityIndex, as discovery uses it."""

    @property
    def waits(self) -> bool: ...

    def search(self, intent: str | Sequence[str], visible: Visible, k: int = ..., *, explain: bool = ...) -> SearchResult: ...


class Remembered(Protocol):
    """KnownNames of the context plane, as discovery uses them."""

    async def named_in(self, scope: Scope, text: str) -> tuple[str, ...]: ...


class DiscoverApis:
    """Searches what the caller's tenant sees and says of each operation whether it could run now."""

    def __init__(
        self,
        finder: Finder,
        catalog: Catalog,
        policy: Policy,
        credentials: Credentials,
        suggestions: Suggestions,
        usage: SearchFeedback | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        self._finder, self._catalog, self._policy = finder, catalog, policy
        self._credentials, self._suggestions, self._usage = credentials, suggestions, usage
        self._siblings = Siblings(catalog)
        self._remembered = remembered
        self._threads: CapacityLimiter | None = None
        self._turns = FairSemaphore(_MAX_WAITING_SEARCHES, "the searches")

    async def __call__(self, call: Call) -> Outcome:
        given, principal = call.arguments, call.principal
        view = self._catalog.visible(principal.tenant_id)
        filters = filters_of(view, given, self._policy.gone(principal))
        detail = "check" if given.get("check") else given.get("detail", "signature")
        answer: dict[str, Json] = {"results": [], "low_confidence": False}
        if filters.unknown:
            answer |= unknown_providers(view, filters.unknown)
        if "ids" in given:
            found = [self._named(principal, view, operation_id, detail) for operation_id in dict.fromkeys(given["ids"])]
            for entry in [entry for entry in found if "error" in entry][:MAX_ANSWERED]:
                entry["did_you_mean"] = list(self._suggestions.near(principal.tenant_id, entry["id"]))
            answer["results"] += found
        elif "query" not in given and not filters.finds_nothing:
            places = overview(view, principal, self._credentials, filters)
            answer["overview"] = places[:MAX_NAMED]
            if len(places) > MAX_NAMED:
                answer["more"] = len(places) - MAX_NAMED
        if "query" in given and not filters.finds_nothing:
            if self._finder.waits or _is_long(given["query"]):
                self._threads = self._threads or CapacityLimiter(_MAX_WAITING_SEARCHES)
                async with self._turns.hold(principal.person, call.deadline):
                    await to_thread.run_sync(self._search, principal, view, given, filters, detail, answer, limiter=self._threads)
            else:
                self._search(principal, view, given, filters, detail, answer)
        if isinstance(given.get("query"), str) and "cursor" not in given and (names := await self._known(principal, given["query"])):
            answer["remembered"] = {"names": list(names), "ask": _MEMORY}
        if self._usage is not None and isinstance(given.get("query"), str):
            self._usage.discovered(principal, given["query"][:MAX_QUERY_CHARS], _shown(answer))
        if detail in ("full", "schema"):
            shortened(answer["results"], MAX_FULL_CHARS)
        if (hint := way_on(answer["results"])) is not None:
            answer["hint"] = hint
        answer["catalog_rev"] = view.revision
        return Outcome("ok", data=answer, bare=True, text=text_of(answer))

    async def _known(self, principal: Principal, query: str) -> tuple[str, ...]:
        """Return what the query names that is remembered already: its answer may need no API."""
        if self._remembered is None or not permits(principal.scopes, "context:read"):
            return ()
        return await self._remembered.named_in(Scope(principal.tenant_id, principal.subject), query[:MAX_QUERY_CHARS])

    def _search(
        self, principal: Principal, view: CatalogView, given: Mapping[str, Json], filters: Filters, detail: str, answer: dict[str, Json]
    ) -> None:
        # Nothing looks at more of a query: what is longer is somebody's document.
        asked_for = [given["query"]] if isinstance(given["query"], str) else given["query"]
        queries = list(dict.fromkeys(query[:MAX_QUERY_CHARS] for query in asked_for))
        limit = given.get("limit", DEFAULT_LIMIT if len(queries) == 1 else _SHARED_LIMIT)
        if len(queries) == 1:
            limit = min(limit, MAX_LIMIT - len(answer["results"]))
        offset = _offset(given.get("cursor"))
        if limit <= 0:
            return
        wanted = offset + (max(limit + 1, _GROUPED) if detail == "signature" else limit + 1)
        explain = detail in ("full", "schema")
        found = [self._hits(principal, view, filters, query, wanted, explain=explain) for query in queries]
        if len(queries) == 1:
            found = [self._covering(principal, view, filters, queries[0], found[0], limit)]
        pages = [one.hits[offset : offset + limit] for one in found]
        # One place each in turn, so that every sub-task has its best operations at the top however the scores compare.
        turns = (hit for turn in zip_longest(*pages) for hit in turn if hit is not None)
        best: dict[str, Hit] = {}
        for hit in turns:
            best.setdefault(hit.slug, hit)
        for hit in best.values():
            operation = view.operations_by_id[hit.slug]
            entry = {**self._described(principal, operation, detail), "score": round(float(hit.score), 3)}
            answer["results"].append(entry | {"reasons": list(hit.reasons)} if hit.reasons else entry)
        asked: list[dict[str, Json]] = []
        for query, page, result in zip(queries, pages, found, strict=True):
            one: dict[str, Json] = {"query": query[:200], "results": [hit.slug for hit in page], "low_confidence": result.low_confidence}
            if result.low_confidence and result.unmet:
                one["unmet"] = list(result.unmet)
            if detail == "signature":
                near = result.hits[offset : offset + _GROUPED]
                one["groups"] = self._siblings.groups(principal.tenant_id, near, one["results"], limit, filters.within(view))
            asked.append(one)
        answer["low_confidence"] = all(one.low_confidence for one in found)
        if len(queries) > 1:
            answer["queries"] = asked
            if unfit := [one["query"] for one in asked if one["low_confidence"]]:
                answer["low_confidence_queries"] = unfit
        elif asked:
            answer |= {name: asked[0][name] for name in ("groups", "unmet") if name in asked[0]}
        if not answer["results"] and (excluded := filters.excluded(view)) is not None:
            answer["excluded"] = excluded
        if any(len(one.hits) > offset + limit for one in found) and offset + limit < MAX_OFFSET:
            answer["next_cursor"] = str(offset + limit)

    def _covering(
        self, principal: Principal, view: CatalogView, filters: Filters, query: str, found: SearchResult, limit: int
    ) -> SearchResult:
        """Give the best operation of each clause of `query` a place on the first page: one sentence may hold several sub-tasks."""
        shown = {hit.slug for hit in found.hits[:limit]}
        firsts = (self._hits(principal, view, filters, clause, 1) for clause in clauses_of(query))
        missing = {one.hits[0].slug: one.hits[0] for one in firsts if one.hits and not one.low_confidence and one.hits[0].slug not in shown}
        if not missing:
            return found
        added = list(missing.values())[: limit // 2]
        rest = [hit for hit in found.hits if hit not in added]
        kept = limit - len(added)
        return replace(found, hits=(*rest[:kept], *added, *rest[kept:]))

    def _hits(
        self, principal: Principal, view: CatalogView, filters: Filters, query: str, wanted: int, *, explain: bool = False
    ) -> SearchResult:
        """Return the best operations for one query, those that can be called."""
        visible = Visible((principal.tenant_id, SHARED_SEGMENT), filters.within(view), filters.providers or None)
        result = self._finder.search(query, visible, wanted, explain=explain)
        # A tenant's own operation hides the shared one of the same name. The index may be a moment ahead of or behind the
        # catalogue: only what can be called is shown.
        best = {hit.slug: hit for hit in reversed(result.hits) if hit.slug in view.operations_by_id}
        return replace(result, hits=tuple(sorted(best.values(), key=result.hits.index)))

    def _named(self, principal: Principal, view: CatalogView, operation_id: str, detail: str) -> dict[str, Json]:
        operation = view.operations_by_id.get(operation_id)
        if operation is not None:
            return self._described(principal, operation, detail)
        return {"id": operation_id[:120], "error": "unknown_operation"}

    def _described(self, principal: Principal, operation: Operation, detail: str) -> dict[str, Json]:
        return described(principal, operation, detail, self._policy, self._credentials)

    def function(self) -> BuiltinFunction:
        return BuiltinFunction(
            slug=DISCOVER_APIS.name,
            run=self,
            input_schema=DISCOVER_APIS.input_schema,
            scope="mcp",
            described=True,
            example={"query": "find a contact by name"},
        )


def _shown(answer: Mapping[str, Json]) -> list[str]:
    """Return the ids that an answer describes or names."""
    named = [f"{group['group']}.{name}" for group in answer.get("groups", ()) for name in group["operations"]]
    return [entry["id"] for entry in answer["results"]] + named


def _is_long(query: str | Sequence[str]) -> bool:
    return (len(query) if isinstance(query, str) else sum(map(len, query))) > _QUICK_CHARS


def _offset(cursor: str | None) -> int:
    """Return where a cursor goes on; one that we did not make begins at the beginning."""
    return min(int(cursor), MAX_OFFSET) if cursor and len(cursor) < 10 and cursor.isascii() and cursor.isdigit() else 0
