"""Evaluate rules over subjects and keep what they say, so that it can be asked later which version of a rule said what, and why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.context_plane.ids import new_id
from tools.context_plane.retrieval.entity_lookup import entities_meant, groups_seen
from tools.context_plane.retrieval.fact_filter import FactFilter
from tools.context_plane.retrieval.fact_ranking import newest
from tools.context_plane.retrieval.known_fact import known_facts
from tools.context_plane.signals.builtin_rules import RULES
from tools.context_plane.signals.rule import SignalRule, SubjectFacts
from tools.context_plane.stores import ContextRows, ContextStore, Scope

#: of one subject that a rule looks at
MOST_FACTS = 500


@dataclass(frozen=True, slots=True)
class SignalEvaluation:
    """What one version of one rule said of a subject at a moment, and by which facts."""

    evaluation_id: int
    signal: str
    rule_version: str
    subject_id: int
    verdict: str
    score: float
    reason: str
    fact_ids: tuple[int, ...]
    evaluated_at_us: int
    run_id: str = ""


class SignalStore(Protocol):
    async def add(self, tenant_id: str, evaluations: Sequence[SignalEvaluation]) -> None:
        """Keep them, all or none. They name who is forgotten, so they go with the facts that they went by."""
        ...

    async def latest(self, tenant_id: str, subject_ids: Sequence[int], limit: int) -> Sequence[SignalEvaluation]:
        """Return what was said of these subjects, or of all where there are none, the newest first."""
        ...


class SignalRun:
    """Evaluates for the whole tenant: private facts are nobody's signal."""

    def __init__(
        self, store: ContextStore, signals: SignalStore, rules: Sequence[SignalRule] = RULES, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._signals, self._rules, self._clock = store, signals, rules, clock

    async def evaluate(self, tenant_id: str, named: Sequence[str], run_id: str = "") -> list[SignalEvaluation]:
        """Evaluate every rule for the entities `named`; keep and return what they say. Raises ContextRefused: not_found."""
        at_us = int(self._clock() * 1_000_000)
        subjects = await self._store.read(tenant_id, lambda rows: _subjects(rows, tenant_id, named, at_us))
        found = [
            SignalEvaluation(
                evaluation_id=new_id(),
                signal=rule.name,
                rule_version=rule.version,
                subject_id=subject.subject_id,
                verdict=verdict.verdict,
                score=round(verdict.score, 4),
                reason=verdict.reason,
                fact_ids=tuple(each.fact.fact_id for each in verdict.facts),
                evaluated_at_us=at_us,
                run_id=run_id,
            )
            for subject in subjects
            for rule in self._rules
            if (verdict := rule.judge(subject)) is not None
        ]
        await self._signals.add(tenant_id, found)
        return found


def _subjects(rows: ContextRows, tenant_id: str, named: Sequence[str], at_us: int) -> list[SubjectFacts]:
    everybody = Scope(tenant_id, "").audiences[:1]
    about = entities_meant(rows, named, everybody)
    wanted = FactFilter(everybody, at_us, about=about)
    groups = groups_seen(rows, about, wanted.audiences)
    facts = newest([fact for fact in rows.history_of(groups) if wanted.permits(fact)])[:MOST_FACTS]
    known = tuple(known_facts(rows, facts))
    subjects = dict.fromkeys(each.fact.group.subject_id for each in known if each.fact.group.subject_id in about)
    return [SubjectFacts(subject, known, at_us) for subject in subjects]
