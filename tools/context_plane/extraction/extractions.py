"""Read the episodes of tenants that want it with a model, one call an episode; what it reads becomes claims like any other's.

Nothing waits for it: an episode is kept and found before it is read, and a model that fails costs its facts alone.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from tools.context_plane.arguments.assertions import Assertion, SaidEpisode, SaidFact
from tools.context_plane.assertion import assert_facts
from tools.context_plane.extraction.evidence import ReadFact, ReadFacts, facts_in
from tools.context_plane.extraction.stores import Extraction, ExtractionStore, WaitingEpisode
from tools.context_plane.facts import Episode
from tools.context_plane.identity.keys import Mention
from tools.context_plane.stores import ContextRows, ContextStore
from tools.context_plane.turns_of_tenants import TurnsOfTenants

#: of an episode; what is behind it is not read
MAX_READ_CHARS = 60_000
#: what a model reads is less sure than what somebody says
CONFIDENCE = 0.6
MAX_ATTEMPTS = 5
RETRY_S = 30.0


class NotRead(Exception):
    """The model gave no answer; the message says why, in our words."""


class ClaimModel(Protocol):
    """Reads facts in a text, for tenants that have a model for it."""

    def is_wanted(self, tenant_id: str) -> bool: ...

    async def read(self, tenant_id: str, text: str) -> str:
        """Return the model's JSON. Raises NotRead."""
        ...


class Extractions:
    """Reads until cancelled. `tenant_ids`: those that there are now."""

    def __init__(
        self,
        context: ContextStore,
        store: ExtractionStore,
        model: ClaimModel,
        tenant_ids: Callable[[], Iterable[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._context, self._store, self._model, self._clock = context, store, model, clock
        self._turns = TurnsOfTenants(self._turn, model.is_wanted, tenant_ids, "extraction_stopped")

    def wake(self, tenant_id: str) -> None:
        """Look at a tenant's episodes now."""
        self._turns.wake(tenant_id)

    async def run(self) -> None:
        await self._turns.run()

    async def _turn(self, tenant_id: str) -> bool:
        waiting = await self._store.waiting(tenant_id, self._now_us(), 1)
        for each in waiting:
            await self._store.note(tenant_id, await self._extracted(tenant_id, each))
        return bool(waiting)

    async def _extracted(self, tenant_id: str, waiting: WaitingEpisode) -> Extraction:
        episode, attempts = waiting.episode, waiting.attempts + 1
        try:
            said = await self._model.read(tenant_id, episode.content[:MAX_READ_CHARS])
        except NotRead as failure:
            if attempts >= MAX_ATTEMPTS:
                return Extraction(episode.episode_id, "failed", attempts, reason=str(failure))
            next_at_us = self._now_us() + round(RETRY_S * 2**attempts * 1_000_000)
            return Extraction(episode.episode_id, "waiting", attempts, reason=str(failure), next_at_us=next_at_us)
        read = facts_in(said, episode.content)
        refused = await self._context.change(tenant_id, lambda rows: self._keep(rows, episode, read)) if read.facts else 0
        dropped = [*read.dropped, *(["nobody that is known"] * refused)]
        return Extraction(
            episode.episode_id, "done", attempts, len(read.facts) - refused, len(dropped), reason="; ".join(dict.fromkeys(dropped))[:200]
        )

    def _keep(self, rows: ContextRows, episode: Episode, read: ReadFacts) -> int:
        """Keep what was read as claims of its episode; return how many facts were refused. A subject that is nobody known is dropped."""
        if not rows.episodes([episode.episode_id]):
            return len(read.facts)  # Forgotten while the model read it: nothing of it comes back.
        named = {fact: Mention(fact.subject, fact.kind) for fact in read.facts}
        known = rows.entities_by_name({("", mention.normal_name) for mention in named.values()})
        meant = [fact for fact, mention in named.items() if known.get(("", mention.normal_name))]
        if not meant:
            return len(read.facts)
        said = SaidEpisode(
            source=episode.source,
            source_id=episode.source_id,
            kind=episode.kind,
            occurred_at_us=episode.occurred_at_us,
            author=episode.author,
            url=episode.url,
            content=episode.content,
        )
        assertion = Assertion(tuple(_said(fact) for fact in meant), said, is_private=bool(episode.audience))
        outcomes = assert_facts(rows, assertion, episode.audience, "extracted").outcomes
        return len(read.facts) - len(meant) + sum(outcome.refused is not None for outcome in outcomes)

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)


def _said(fact: ReadFact) -> SaidFact:
    # Of no kind: whoever alone bears the name in what is known, whatever the model takes them for.
    return SaidFact(
        subject=Mention(fact.subject),
        predicate=fact.predicate,
        object=None,
        value=fact.value,
        valid_from_us=fact.valid_from_us,
        valid_to_us=fact.valid_to_us,
        confidence=CONFIDENCE,
        start=fact.start,
        end=fact.end,
    )
