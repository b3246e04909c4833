"""The questions of the last half hour, so that context_explain can be asked about one by its query_id."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tools.context_plane.ids import QUERY, id_text, new_id
from tools.context_plane.retrieval.asked_facts import AskedFacts
from tools.context_plane.stores import Scope

KEPT_S = 1_800.0
MOST = 2_000
MOST_OF_ONE = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and which facts were answered, in their order."""

    asked: AskedFacts
    fact_ids: tuple[int, ...]


class RecentQuestions:
    """In this process's memory alone, and bounded: for a person, and for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: query_id -> (who asked, when, what)
        self._kept: OrderedDict[str, tuple[Scope, float, Question]] = OrderedDict()
        #: (tenant, subject) -> their query_ids, oldest first
        self._of: dict[Scope, OrderedDict[str, None]] = {}

    def keep(self, scope: Scope, question: Question) -> str:
        """Return the id under which `question` is to be had for a while."""
        query_id = id_text(QUERY, new_id())
        self._kept[query_id] = (scope, self._clock(), question)
        own = self._of.setdefault(scope, OrderedDict())
        own[query_id] = None
        if len(own) > MOST_OF_ONE:
            self._drop(next(iter(own)))
        while len(self._kept) > MOST:
            self._drop(next(iter(self._kept)))
        return query_id

    def get(self, scope: Scope, query_id: str) -> Question | None:
        """Return it; None for one that is foreign, unknown or too long ago."""
        held = self._kept.get(query_id)
        if held is None or held[0] != scope or self._clock() - held[1] > KEPT_S:
            return None
        return held[2]

    def forget(self, tenant_id: str) -> None:
        """Forget what a tenant asked: a question may name who is forgotten."""
        for query_id in [each for each, (scope, _, _) in self._kept.items() if scope.tenant_id == tenant_id]:
            self._drop(query_id)

    def _drop(self, query_id: str) -> None:
        scope, _, _ = self._kept.pop(query_id)
        own = self._of[scope]
        del own[query_id]
        if not own:
            del self._of[scope]
