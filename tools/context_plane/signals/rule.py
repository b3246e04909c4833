"""A rule as a value: name, version, and what it makes of what is true of a subject at a moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.context_plane.retrieval.known_fact import KnownFact


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What is believed about one subject, the newest first, whatever its window; `at_us`: when the rule looks."""

    subject_id: int
    facts: tuple[KnownFact, ...]
    at_us: int

    def true_now(self, predicates: frozenset[str]) -> list[KnownFact]:
        """Return what is true of the subject at this moment, of these predicates."""
        return [each for each in self._of(predicates) if _is_open(each, self.at_us) and not _is_ahead(each, self.at_us)]

    def ended(self, predicates: frozenset[str]) -> list[KnownFact]:
        """Return what was true and is no longer."""
        return [each for each in self._of(predicates) if not _is_open(each, self.at_us)]

    def _of(self, predicates: frozenset[str]) -> list[KnownFact]:
        return [each for each in self.facts if each.fact.group.subject_id == self.subject_id and each.fact.group.predicate in predicates]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says: `score` 0 to 1, how pressing it is; `facts`: those that it goes by."""

    verdict: str
    score: float
    reason: str
    facts: tuple[KnownFact, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalRule:
    """`judge` is a pure function: None where the rule has nothing to say of the subject. A change of it is a new `version`."""

    name: str
    version: str
    about: str
    judge: Callable[[SubjectFacts], Verdict | None]


def _is_open(each: KnownFact, at_us: int) -> bool:
    until = each.fact.belief.valid_to_us
    return until is None or until > at_us


def _is_ahead(each: KnownFact, at_us: int) -> bool:
    since = each.fact.belief.valid_from_us
    return since is not None and since > at_us


def days_between(earlier_us: int, later_us: int) -> int:
    return (later_us - earlier_us) // 86_400_000_000


def latest(facts: Sequence[KnownFact]) -> KnownFact:
    """Return the fact that ended last."""
    return max(facts, key=lambda each: each.fact.belief.valid_to_us or 0)
