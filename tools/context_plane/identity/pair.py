"""Two entities that may be one, as they are kept: found by rule, thought about by a model, decided by somebody."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

#: what a model thinks; '': it was not asked, or gave no answer
Verdict = Literal["same", "different", "unsure", ""]
#: what somebody decided; '': nobody has
Decision = Literal["same", "different", ""]
VERDICTS: tuple[Verdict, ...] = ("same", "different", "unsure")


class PairKey(NamedTuple):
    """The numbers of two entities, the smaller one first."""

    one_id: int
    other_id: int


def pair_key(entity_id: int, other_id: int) -> PairKey:
    return PairKey(min(entity_id, other_id), max(entity_id, other_id))


@dataclass(frozen=True, slots=True)
class FoundPair:
    """A pair that rules propose. `content_hash`: of what tells who they are; a model is asked once for each."""

    key: PairKey
    similarity: float
    content_hash: str
    #: two record ids of one source are two records: nobody is asked
    is_in_conflict: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair on record."""

    key: PairKey
    similarity: float
    content_hash: str
    verdict: Verdict = ""
    reason: str = ""
    judged_by: str = ""
    decision: Decision = ""
    decided_by: str = ""
    #: how often a model was asked about this content
    attempts: int = 0
