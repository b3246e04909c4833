"""What people thought of an answer: a score for a call on record, of their own tenant."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tools.ai_gateway.refusals import ModelCallRefused, invalid_request
from tools.operation import Json

MAX_COMMENT_CHARS = 2_000
MAX_ID_CHARS = 64


@dataclass(frozen=True, slots=True)
class CallFeedback:
    """`score` from -1 to 1; the last word about a call replaces those before."""

    tenant_id: str
    call_id: str
    score: float
    comment: str
    at_us: int


@dataclass(frozen=True, slots=True)
class ScoredArm:
    """What people thought of the answers of one arm of an experiment (`name/arm`)."""

    experiment: str
    scores: int
    mean: float


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What people thought of the answers of one model (`provider/model`); `negative`: judgements below zero."""

    model: str
    scores: int
    negative: int
    mean: float


class FeedbackStore(Protocol):
    async def give(self, feedback: CallFeedback) -> bool:
        """Keep feedback about a call of its tenant that is on record; False, and nothing is kept, where there is none."""
        ...

    async def of_call(self, tenant_id: str, call_id: str) -> CallFeedback | None:
        """Return what was thought of one call."""
        ...

    async def by_model(self, tenant_id: str | None, since_us: int, until_us: int) -> list[ScoredModel]:
        """Return what was thought of each model's answers in a time, the most judged first; tenant None: by everybody."""
        ...

    async def by_experiment(self, experiment: str, since_us: int) -> list[ScoredArm]:
        """Return the mean score of each arm of an experiment, over all tenants."""
        ...


class Feedback:
    """Takes feedback. `write_first` has the ledger write what it holds: a call may be judged the moment it ends."""

    def __init__(self, store: FeedbackStore, write_first: Callable[[], Awaitable[object]], clock: Callable[[], float] = time.time) -> None:
        self._store, self._write_first, self._clock = store, write_first, clock

    async def give(self, tenant_id: str, response_id: Json, score: Json, comment: Json = None) -> None:
        """Keep what was thought of a call (`x-gateway-request-id`). Raises ModelCallRefused."""
        if not isinstance(response_id, str) or not 0 < len(response_id) <= MAX_ID_CHARS:
            raise invalid_request("response_id: give the x-gateway-request-id of the answer", "response_id")
        if isinstance(score, bool) or not isinstance(score, int | float) or not -1 <= score <= 1 or math.isnan(score):
            raise invalid_request("score: give a number from -1 to 1", "score")
        if comment is not None and (not isinstance(comment, str) or len(comment) > MAX_COMMENT_CHARS):
            raise invalid_request(f"comment: give a text of at most {MAX_COMMENT_CHARS} characters, or leave it out", "comment")
        feedback = CallFeedback(tenant_id, response_id, float(score), comment or "", int(self._clock() * 1_000_000))
        if await self._store.give(feedback):
            return
        await self._write_first()
        if not await self._store.give(feedback):
            # Another tenant's call and none at all look alike.
            raise ModelCallRefused(
                "not_found", 404, "no call of that response_id is on record; it is the x-gateway-request-id", "response_id"
            )
