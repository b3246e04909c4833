"""A tenant's model is asked whether two entities are one; its word is kept beside the pair, and merges nothing.

Nothing waits for it: proposals are there without it, and a model that fails costs its opinion alone.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

import anyio
import orjson

from tools.context_plane.arguments.cleaning import kept_line
from tools.context_plane.identity.families import families_of
from tools.context_plane.identity.finding import SEEN, PairFinder
from tools.context_plane.identity.pair import VERDICTS, Pair, Verdict
from tools.context_plane.identity.stores import PairStore
from tools.context_plane.stores import ContextRows, ContextStore
from tools.context_plane.turns_of_tenants import TurnsOfTenants
from tools.operation import Json

#: of one tenant in a day
MAX_ASKED = 200
DAY_US = 86_400_000_000
MAX_ATTEMPTS = 3
#: within which a node that asks has its answer
ASKING_S, RETRY_S = 300.0, 600.0
MAX_FACTS, MAX_FACT_CHARS, MAX_KEYS, MAX_REASON_CHARS = 8, 200, 20, 300
#: times as long as comparing took: whoever writes a million facts at once leaves the processor to others
REST = 4.0


class NoVerdict(Exception):
    """The model gave no answer; the message says why, in our words."""


class PairJudge(Protocol):
    """Says whether two entities are one, for tenants that have a model for it."""

    def is_wanted(self, tenant_id: str) -> bool: ...

    def model_of(self, tenant_id: str) -> str: ...

    async def judge(self, tenant_id: str, pair: Json) -> str:
        """Return the model's JSON. Raises NoVerdict."""
        ...


class PairJudging:
    """Finds pairs and has them judged, until cancelled. `tenant_ids`: those that there are now."""

    def __init__(
        self,
        context: ContextStore,
        pairs: PairStore,
        judge: PairJudge,
        tenant_ids: Callable[[], Iterable[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._context, self._pairs, self._judge, self._clock = context, pairs, judge, clock
        self._finder = PairFinder(context, pairs)
        self._turns = TurnsOfTenants(self._turn, judge.is_wanted, tenant_ids, "identity_judging_stopped")

    def wake(self, tenant_id: str) -> None:
        """Look at a tenant's entities now."""
        self._turns.wake(tenant_id)

    async def run(self) -> None:
        await self._turns.run()

    async def _turn(self, tenant_id: str) -> bool:
        began = time.monotonic()
        has_compared, is_all = await self._finder.step(tenant_id)
        if has_compared:
            await anyio.sleep(REST * (time.monotonic() - began))
        return await self._asked(tenant_id) or not is_all

    async def _asked(self, tenant_id: str) -> bool:
        """Ask about one pair; False where there is none, or the day's share is used up."""
        now_us = int(self._clock() * 1_000_000)
        if await self._pairs.asked_since(tenant_id, now_us - DAY_US) >= MAX_ASKED:
            return False
        pair = await self._pairs.claim(tenant_id, now_us, now_us + int(ASKING_S * 1_000_000))
        if pair is None:
            return False
        shown = await self._context.read(tenant_id, lambda rows: shown_pair(rows, pair))
        try:
            verdict, reason = verdict_in(await self._judge.judge(tenant_id, shown))
        except NoVerdict:
            retry_us = now_us + int(RETRY_S * 2**pair.attempts * 1_000_000)
            await self._pairs.unanswered(tenant_id, pair, None if pair.attempts >= MAX_ATTEMPTS else retry_us)
        else:
            await self._pairs.judged(tenant_id, pair, verdict, reason, self._judge.model_of(tenant_id))
        return True


def shown_pair(rows: ContextRows, pair: Pair) -> Json:
    """Return what a model is told of two entities: what everybody of the tenant may see, and not much of it."""
    return {side: _shown(rows, entity_id) for side, entity_id in zip(("one", "other"), pair.key, strict=True)}


def _shown(rows: ContextRows, entity_id: int) -> Json:
    entity = rows.entities([entity_id]).get(entity_id)
    if entity is None:
        return None
    family = families_of(rows, [entity_id])[entity_id]
    claims = [each for each in rows.claims_about(family, 10 * MAX_FACTS) if each.audience in SEEN and each.withdrawn_at_us is None]
    first = sorted(claims, key=lambda claim: (claim.recorded_at_us, claim.claim_id))[:MAX_FACTS]
    numbers = {each for claim in first for each in (claim.subject_id, claim.object_id) if each is not None}
    names = {number: known.name for number, known in rows.entities(numbers).items()}
    said = [f"{names.get(each.subject_id, '')} {each.predicate} {names.get(each.object_id or 0, each.value or '')}" for each in first]
    keys = sorted({(key.key_kind, key.key) for own in rows.keys_of(family).values() for key in own})[:MAX_KEYS]
    return {"kind": entity.kind, "name": entity.name, "keys": [[*key] for key in keys], "facts": [each[:MAX_FACT_CHARS] for each in said]}


def verdict_in(said: str) -> tuple[Verdict, str]:
    """Read a model's answer. Raises NoVerdict where it is none of ours, or gives no reason."""
    begin, end = said.find("{"), said.rfind("}")
    try:
        answer = orjson.loads(said[begin : end + 1])
    except orjson.JSONDecodeError as error:
        raise NoVerdict("the answer is no JSON") from error
    verdict, reason = answer.get("verdict"), answer.get("reason")
    if not isinstance(reason, str) or not kept_line(reason):
        raise NoVerdict("the answer gives no reason")
    if verdict not in VERDICTS:
        raise NoVerdict("the answer has no verdict of ours")
    return verdict, kept_line(reason)[:MAX_REASON_CHARS]
