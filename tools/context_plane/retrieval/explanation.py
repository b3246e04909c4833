"""context_explain: why a fact stands where it stands, what it took the place of, and what kept another one out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capability_index.text_index import Explanation
from tools.context_plane.errors import nothing_there
from tools.context_plane.facts import Fact
from tools.context_plane.identity.names import normal_name
from tools.context_plane.ids import CLAIM, FACT, id_number, id_text
from tools.context_plane.indexing.live_indexes import LiveIndexes
from tools.context_plane.retrieval.asked_facts import AskedFacts
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.fact_query import FactQuery
from tools.context_plane.retrieval.known_fact import KnownFact, known_facts
from tools.context_plane.retrieval.recent_questions import RecentQuestions
from tools.context_plane.retrieval.shown_fact import shown_fact
from tools.context_plane.stores import ContextRows, ContextStore, Scope
from tools.context_plane.times import time_text
from tools.operation import Json

#: facts of a group that are shown beside the one that is explained
MOST_BESIDE = 10


@dataclass(frozen=True, slots=True)
class _Explained:
    """A fact, and those of its group that went when it came, or came when it went."""

    known: KnownFact
    superseded: tuple[Fact, ...]
    superseded_by: tuple[Fact, ...]


class FactExplanation:
    """Explains what `query` answers: it asks again, and looks at each part."""

    def __init__(self, store: ContextStore, query: FactQuery, indexes: LiveIndexes, questions: RecentQuestions) -> None:
        self._store, self._query, self._indexes, self._questions = store, query, indexes, questions

    async def explain(self, scope: Scope, query_id: str | None, asked: AskedFacts, fact_text: str | None) -> dict[str, Json]:
        """Return the parts of an answer, or of one fact in it or missing from it. Raises ContextRefused: not_found."""
        if query_id is not None:
            question = self._questions.get(scope, query_id)
            if question is None:
                raise nothing_there("question; questions are kept for half an hour, and each may be asked again by its query")
            asked = question.asked
        wanted = await self._query.wanted(scope, asked)
        is_ranked = bool(normal_name(asked.query))
        answer_ids, parts, is_behind = await self._answered(scope, wanted, asked)
        asking = await self._indexes.ask(scope.tenant_id, asked.query) if is_ranked else None
        fact_ids = answer_ids if fact_text is None else (await self._one(scope, fact_text),)
        explained = await self._store.read(scope.tenant_id, lambda rows: _explained(rows, scope, fact_ids))
        facts = []
        for each in explained:
            fact = each.known.fact
            found = None if asking is None else await asking.explain(fact.fact_id, wanted.masks())
            kept_out = [] if fact.fact_id in answer_ids else _kept_out(each.known, wanted, found, asked, is_behind)
            facts.append(_shown(each, wanted, answer_ids, parts.get(fact.fact_id, {}), found, kept_out))
        without = {} if asking is None or not asking.without else {"without_vectors": asking.without}
        return {
            "query": asked.query,
            "as_of": time_text(asked.as_of_us),
            "known_at": time_text(asked.known_at_us),
            "history": asked.as_of_us is None,
            "limit": asked.limit,
            "order": "by score" if is_ranked else "newest first: nothing was asked in words",
            **without,
            "facts": facts,
        }

    async def _answered(
        self, scope: Scope, wanted: FactFilter, asked: AskedFacts
    ) -> tuple[tuple[int, ...], Mapping[int, Mapping[str, float]], bool]:
        if normal_name(asked.query):
            found = await self._query.ranked(scope, wanted, asked)
            parts = {each.known.fact.fact_id: {**each.parts, "score": each.score or 0.0} for each in found.facts}
            return tuple(parts), parts, found.is_behind
        return tuple(known.fact.fact_id for known in await self._query.newest(scope, wanted, asked.limit)), {}, False

    async def _one(self, scope: Scope, fact_text: str) -> int:
        number = id_number(FACT, fact_text)
        facts = {} if number is None else await self._store.read(scope.tenant_id, lambda rows: rows.facts([number]))
        # Somebody else's looks like one that is not there.
        if number is None or number not in facts or facts[number].group.audience not in scope.audiences:
            raise nothing_there("fact")
        return number


def _explained(rows: ContextRows, scope: Scope, fact_ids: Sequence[int]) -> list[_Explained]:
    by_id = rows.facts(fact_ids)
    facts = [by_id[each] for each in fact_ids if each in by_id]
    history = rows.history_of({fact.group for fact in facts})
    found = []
    for known in known_facts(rows, facts):
        fact = known.fact
        beside = [each for each in history if each.group == fact.group and each.fact_id != fact.fact_id]
        went = [each for each in beside if each.retired_at_us == fact.recorded_at_us]
        came = [each for each in beside if fact.retired_at_us is not None and each.recorded_at_us == fact.retired_at_us]
        found.append(_Explained(known, tuple(went[:MOST_BESIDE]), tuple(came[:MOST_BESIDE])))
    return found


def _kept_out(known: KnownFact, wanted: FactFilter, found: Explanation | None, asked: AskedFacts, is_behind: bool) -> list[str]:
    """Return in words what keeps a fact out of the answer."""
    reasons = [*wanted.refusals(known.fact)]
    if wanted.sources and known.sources.isdisjoint(wanted.sources):
        reasons.append("sources: others say it")
    if reasons:
        return reasons
    if found is not None and not found.known:
        late = "; it is not in the index yet" if is_behind else ""
        return [f"index: it is not among what is searched{late}"]
    rank = f", {found.rank}. by words and meaning" if found is not None and found.rank is not None else ""
    return [f"limit: {asked.limit} others come before it{rank}"]


def _shown(
    each: _Explained,
    wanted: FactFilter,
    answer_ids: Sequence[int],
    parts: Mapping[str, float],
    found: Explanation | None,
    kept_out: Sequence[str],
) -> dict[str, Json]:
    known, fact, belief = each.known, each.known.fact, each.known.fact.belief
    scores = {**({} if found is None or found.hit is None else found.hit.features), **parts}
    open_window = replace(wanted, about=None, predicates=frozenset(), sources=frozenset())
    return {
        **shown_fact(known),
        "rank": answer_ids.index(fact.fact_id) + 1 if fact.fact_id in answer_ids else None,
        "index_rank": None if found is None else found.rank,
        "space": None if found is None or found.hit is None else found.hit.space or "words alone",
        "scores": {name: round(float(value), 4) for name, value in scores.items()},
        "filters": _filters(known, wanted),
        "belief": {
            "recorded_at": time_text(fact.recorded_at_us),
            "retired_at": time_text(fact.retired_at_us),
            "at_known_at": not any(reason.startswith("known_at") for reason in open_window.refusals(fact)),
            "state": belief.state,
            "confidence": belief.confidence,
            "claims": [
                {
                    "id": id_text(CLAIM, said.claim.claim_id),
                    "method": said.claim.method,
                    "source": said.episode.source,
                    "at": time_text(said.claim.occurred_at_us),
                }
                for said in known.said
            ],
        },
        "validity": {
            "valid_from": time_text(belief.valid_from_us),
            "valid_to": time_text(belief.valid_to_us),
            "true_at_as_of": not any(reason.startswith("as_of") for reason in open_window.refusals(fact)),
        },
        "superseded": [_brief(other) for other in each.superseded],
        "superseded_by": [_brief(other) for other in each.superseded_by],
        "kept_out_by": list(kept_out),
    }


def _filters(known: KnownFact, wanted: FactFilter) -> dict[str, bool]:
    """Return each filter that was set, and whether the fact passes it."""
    refusals = wanted.refusals(known.fact)
    names = ["known_at"] + ["as_of"] * (wanted.as_of_us is not None) + ["entities"] * (wanted.about is not None)
    names += ["predicates"] * bool(wanted.predicates)
    passed = {name: not any(reason.startswith(name) for reason in refusals) for name in names}
    return passed | ({"sources": not known.sources.isdisjoint(wanted.sources)} if wanted.sources else {})


def _brief(fact: Fact) -> dict[str, Json]:
    return {
        "id": id_text(FACT, fact.fact_id),
        "text": fact.text,
        "valid_from": time_text(fact.belief.valid_from_us),
        "valid_to": time_text(fact.belief.valid_to_us),
        "believed_until": time_text(fact.retired_at_us),
    }
