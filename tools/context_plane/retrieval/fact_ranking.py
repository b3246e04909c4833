"""The order of what the index found: its score, and what else speaks for a fact; each part is shown by context_explain."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from tools.context_plane.facts import Fact

#: beside a score in standard deviations: enough to part what is nearly equal (fitted on judged questions: `ascend context eval`)
ENTITY, SUPPORT, RECENCY = 0.25, 0.02, 0.3


@dataclass(frozen=True, slots=True)
class Scored:
    """A fact with its score and the parts of it."""

    fact: Fact
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the index found, and the fact behind it."""

    fact: Fact
    found: float
    parts: Mapping[str, float]


class FactJudge(Protocol):
    """Reads question and facts together, slower and better; in bounded time."""

    async def judge(self, query: str, texts: Sequence[str]) -> Sequence[float] | None:
        """Return how well each text answers, in their order; None where it cannot be had now."""
        ...


def ranked(
    candidates: Sequence[Candidate], named: Set[int], judged: Sequence[float] | None = None, limit: int | None = None
) -> list[Scored]:
    """Return the candidates, best first, or the first `limit` of them.

    `named`: entities that the question names; `judged`: a judge's word, which then is the score.
    Recency is a tie-break of ranking and never one of truth: what is not true at the moment that was asked about is not here.
    """
    if judged is not None:
        parts = [{"judge": score} for score in judged]
    else:
        newest_first = sorted({_since(each.fact) for each in candidates}, reverse=True)
        recency = {since: RECENCY * (1 - place / max(len(newest_first), 1)) for place, since in enumerate(newest_first)}
        parts = [_extras(each.fact, named, recency[_since(each.fact)]) for each in candidates]
    scores = judged or [each.found + sum(extras.values()) for each, extras in zip(candidates, parts, strict=True)]
    order = sorted(range(len(candidates)), key=lambda place: (-scores[place], candidates[place].fact.fact_id))
    # Of most candidates nothing is shown, so what their scores are made of is put together for the best alone.
    return [_scored(candidates[place], scores[place], parts[place]) for place in order[:limit]]


def _extras(fact: Fact, named: Set[int], recency: float) -> dict[str, float]:
    return {
        "entity": ENTITY * (fact.group.subject_id in named or fact.belief.object_id in named),
        "support": SUPPORT * math.log2(max(len(fact.belief.claim_ids), 1)),
        "recency": recency,
    }


def _scored(candidate: Candidate, score: float, parts: Mapping[str, float]) -> Scored:
    return Scored(candidate.fact, score, {**candidate.parts, "found": candidate.found, **parts})


def newest(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts, the newest first: by when they begin, then by when they were learnt."""
    return sorted(facts, key=lambda fact: (-_since(fact), -fact.recorded_at_us, fact.fact_id))


def _since(fact: Fact) -> int:
    return fact.recorded_at_us if fact.belief.valid_from_us is None else fact.belief.valid_from_us
