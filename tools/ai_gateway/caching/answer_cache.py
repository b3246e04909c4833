"""The cache in front of the providers: the very same question, a similar one where the route says so, and one call for equal ones."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from tools.ai_gateway.caching.answer_keys import answer_key, question_of
from tools.ai_gateway.caching.kept_answers import KeptAnswer, KeptAnswers
from tools.ai_gateway.caching.shared_answer import from_bytes, to_bytes
from tools.ai_gateway.caching.similar_questions import Embed, SimilarQuestions
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.records.call_record import CacheStatus
from tools.ai_gateway.routing.decision import Decision
from tools.shared_answers import SharedAnswers

#: surfaces whose answers are kept; what a provider's own API answers is nobody's business
_SURFACES = frozenset({"chat", "responses", "messages", "embeddings", "rerank"})
#: of a larger question the key alone would take long
MAX_QUESTION_BYTES = 4 << 20
MAX_FLIGHT_S = 60.0
#: Nobody forgets it as a whole: answers end by themselves, and those of a tenant that has gone are in a group that nobody asks for.
_GROUP = "model answers"
#: a text has one vector at a model, today and next week
EMBEDDINGS_AGE_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class CachePlace:
    """Where the answer to one request is kept, and for how long; `question` where similar ones may share it."""

    tenant_id: str
    key: bytes
    age_s: float
    question: tuple[bytes, str] | None
    threshold: float
    is_stream: bool
    wants_usage: bool


class AnswerCache:
    """One for the process. What it gives was asked for by the same tenant, of the same model, in the same words or nearly.

    With `shared` answers in the same words are found that other processes keep; similar ones, and vectors of texts, stay each one's own.
    `provider_of`: the providers that are configured now. `added_us`: when a tenant was added, None where nobody is let in: another may
    have had its name before, and its answers are not the next one's.
    """

    def __init__(
        self,
        embed: Embed,
        shared: SharedAnswers | None = None,
        provider_of: Callable[[str], ModelProvider | None] = lambda name: None,
        added_us: Callable[[str], int | None] = lambda tenant_id: 0,
    ) -> None:
        self.kept = KeptAnswers()
        self._shared, self._provider_of, self._added_us = shared, provider_of, added_us
        self._similar = SimilarQuestions(embed)
        #: under way: a key and when it is done
        self._flights: dict[bytes, asyncio.Event] = {}

    def place_of(self, request: ModelRequest, decision: Decision) -> CachePlace | None:
        """Return where an answer would be kept; None where none is: bypass."""
        wishes = request.wishes
        age_s = decision.cache_s or (EMBEDDINGS_AGE_S if request.surface == "embeddings" else 0)
        if wishes.cache_ttl_s is not None:
            age_s = wishes.cache_ttl_s
        # A caller's own key pays for an answer that is the caller's alone.
        if age_s <= 0 or wishes.skip_cache or request.surface not in _SURFACES or request.caller.own_key is not None:
            return None
        if len(request.raw) > MAX_QUESTION_BYTES:
            return None
        key = answer_key(request, decision)
        question = question_of(request, decision) if decision.semantic is not None else None
        return CachePlace(request.caller.tenant_id, key, age_s, question, decision.semantic or 1.0, request.is_stream, request.wants_usage)

    def find(self, place: CachePlace) -> tuple[KeptAnswer, CacheStatus] | None:
        """Return what is kept for a place, and how it was found."""
        kept = self.kept.get(place.tenant_id, place.key)
        if kept is not None and kept.serves(is_stream=place.is_stream, wants_usage=place.wants_usage):
            return kept, "hit"
        if place.question is None:
            return None
        key = self._similar.find(place.tenant_id, *place.question, place.threshold)
        kept = self.kept.get(place.tenant_id, key) if key is not None else None
        if kept is None or not kept.serves(is_stream=place.is_stream, wants_usage=place.wants_usage):
            return None
        return kept, "semantic"

    async def find_anywhere(self, place: CachePlace) -> tuple[KeptAnswer, CacheStatus] | None:
        """Do what `find` does, and look for the very same question where all processes keep."""
        found = self.find(place)
        group = self._group_of(place.tenant_id)
        if found is not None or self._shared is None or group is None:
            return found
        answer = await self._shared.find(place.tenant_id, group, place.key)
        kept = from_bytes(answer.value, self._provider_of) if answer is not None and answer.value is not None else None
        if kept is None or kept.expires_at <= self.kept.expires_at(0):
            return None
        self.kept.put(place.tenant_id, place.key, kept)
        return (kept, "hit") if kept.serves(is_stream=place.is_stream, wants_usage=place.wants_usage) else None

    def keep(self, place: CachePlace, answer: KeptAnswer) -> None:
        """Keep a complete answer; its `expires_at` is set here."""
        kept = replace(answer, expires_at=self.kept.expires_at(place.age_s))
        self.kept.put(place.tenant_id, place.key, kept)
        if self._shared is not None and not kept.is_vector and (group := self._group_of(place.tenant_id)) is not None:
            self._shared.keep(place.tenant_id, group, place.key, to_bytes(kept), place.age_s, 0)
        if place.question is not None:
            self._similar.add(place.tenant_id, *place.question, place.key)

    def forget(self, tenant_id: str) -> None:
        """Forget in this process what a tenant asked and was answered."""
        self.kept.forget(tenant_id)
        self._similar.forget(tenant_id)

    def _group_of(self, tenant_id: str) -> str | None:
        added_us = self._added_us(tenant_id)
        return None if added_us is None else f"{_GROUP} {added_us}"

    async def take_off(self, place: CachePlace) -> Callable[[], None]:
        """Let equal questions wait for the first, whose answer serves them all; return what its caller calls when it is done.

        Whoever waited looks again: for long, or for an answer that is not kept, and asks the provider all the same.
        """
        if (flight := self._flights.get(place.key)) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_FLIGHT_S):
                    await flight.wait()
        if place.key in self._flights:
            return _nothing
        flight = self._flights[place.key] = asyncio.Event()

        def landed() -> None:
            if self._flights.get(place.key) is flight:
                del self._flights[place.key]
            flight.set()

        return landed


def _nothing() -> None:
    """End no flight: another is under way."""
