"""What a run of a plan keeps count of, and how an element of a step ends that is not run."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.expressions.over_steps import ReferenceFault
from tools.large_json import LargeJson
from tools.operation import Failure, Json, Outcome

SELECT_FIRST = "give the step before it a select that takes what is needed"


@dataclass(slots=True)
class Stats:
    calls: int = 0
    running: int = 0
    #: most calls under way at one time
    parallel: int = 0
    #: of answers
    bytes_in: int = 0


@dataclass(slots=True)
class Progressing:
    """One step under way: outcomes as they come in, so that a time limit does not lose those that came."""

    outcomes: list[Outcome | None]
    attempts: tuple[int, ...]
    started: float
    is_mapped: bool


def has_failed(outcomes: Sequence[Outcome | None]) -> bool:
    """Say whether one of several did not come through."""
    return any(each is not None and each.status != "ok" for each in outcomes)


def elements_of(found: Json, text: str) -> Sequence[Json]:
    """Return the list to map over that the expression `text` found. Raises ReferenceFault."""
    if isinstance(found, LargeJson):
        raise ReferenceFault(f"'{text}' finds too much to map over; {SELECT_FIRST}")
    if not isinstance(found, list):
        raise ReferenceFault(f"'{text}' is not a list; for_each maps over a list")
    return found


def failed_outcome(code: str, message: str) -> Outcome:
    """Return a failure of the plan's own making."""
    return Outcome("error", error=Failure(code, message))
