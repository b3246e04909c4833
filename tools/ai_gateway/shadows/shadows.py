"""Asks the arms of a shadow experiment what was answered already, beside the callers and never in their way."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread
import orjson

from capability_index.errors import EncoderUnavailable
from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.caching.similar_questions import Embed
from tools.ai_gateway.configuration.config import AiConfig, Experiment
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.replies import ModelReply, WholeReply
from tools.ai_gateway.shadows.answer_text import answer_text
from tools.ai_gateway.shadows.comparison import Comparison, ComparisonStore
from tools.metering.money import to_nano_usd

#: at once, and waiting; what comes while so many wait has no shadow
MAX_AT_ONCE = 4
MAX_WAITING = 32
#: larger requests and answers have no shadow: those that wait are held in memory, and read here
MAX_BODY_BYTES = 256 * 1024
#: of each text that is compared
MAX_CHARS = 4_000
#: whose words may go elsewhere, and whose answers have words
_SURFACES = frozenset({"chat", "messages", "responses"})

log = logging.getLogger("ascend")
Answer = Callable[[ModelRequest], Awaitable[ModelReply]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the caller got."""

    call_id: str
    answer: KeptAnswer
    ms: float
    cost_nano_usd: int | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: ModelRequest
    answered: Answered
    experiment: str
    arm: str


class Shadows:
    """A bounded queue and the few tasks that empty it; `take` never waits. Words are held until they are compared, and not kept."""

    def __init__(
        self, config: Callable[[], AiConfig], store: ComparisonStore, embed: Embed, chance: Callable[[], float] = random.random
    ) -> None:
        self._config, self._store, self._embed, self._chance = config, store, embed, chance
        self._queue = asyncio.Queue[_Waiting](MAX_WAITING)

    def of(self, request: ModelRequest, experiment: str) -> Callable[[Answered], None] | None:
        """Return what takes the answer of a call in this experiment (`name/arm`); None where nothing shadows it.

        A caller's own key is for one provider, and a shadow has none itself.
        """
        found = self._config().experiments.get(experiment.partition("/")[0]) if experiment else None
        if found is None or not found.shadow or found.held or request.shadow_of or request.caller.own_key is not None:
            return None
        if request.surface not in _SURFACES or len(request.raw) > MAX_BODY_BYTES:
            return None
        arms = [arm for arm in found.arms if self._chance() < found.share.get(arm, 0)]
        if not arms:
            return None

        def take(answered: Answered) -> None:
            self._take(request, answered, found, arms)

        return take

    async def run(self, answer: Answer) -> None:
        """Ask and compare until cancelled; `answer` is the door of all model calls."""
        async with anyio.create_task_group() as group:
            for _ in range(MAX_AT_ONCE):
                group.start_soon(self._work, answer)

    def _take(self, request: ModelRequest, answered: Answered, experiment: Experiment, arms: list[str]) -> None:
        if answered.answer.whole is None or len(answered.answer.whole) > MAX_BODY_BYTES:
            return
        for arm in arms:
            shadow = _shadow_of(request, experiment, arm)
            try:
                self._queue.put_nowait(_Waiting(shadow, answered, experiment.name, arm))
            except asyncio.QueueFull:
                log.info("shadow_left_out", extra={"facts": {"experiment": experiment.name, "waiting": MAX_WAITING}})

    async def _work(self, answer: Answer) -> None:
        while True:
            waiting = await self._queue.get()
            try:
                await self._compare(waiting, answer)
            except Exception as error:  # whatever it is, it is nobody's call
                log.error("shadow_failed", exc_info=error, extra={"facts": {"experiment": waiting.experiment}})

    async def _compare(self, waiting: _Waiting, answer: Answer) -> None:
        began = asyncio.get_running_loop().time()
        reply = await answer(_as_sent(waiting.request))
        ms = (asyncio.get_running_loop().time() - began) * 1_000
        if not isinstance(reply, WholeReply) or reply.status != 200 or len(reply.body) > MAX_BODY_BYTES:
            # Its row tells why, and the arm's report counts it.
            return
        answered, cost = waiting.answered, reply.headers.get("x-gateway-cost")
        text, shadow_text = answer_text(answered.answer.whole or b""), answer_text(reply.body)
        comparison = Comparison(
            call_id=answered.call_id,
            tenant_id=waiting.request.caller.tenant_id,
            at_us=time.time_ns() // 1_000,
            experiment=waiting.experiment,
            arm=waiting.arm,
            similarity=await anyio.to_thread.run_sync(self._similarity, text, shadow_text),
            chars=len(text),
            shadow_chars=len(shadow_text),
            ms=answered.ms,
            shadow_ms=round(ms, 1),
            cost_nano_usd=answered.cost_nano_usd,
            shadow_cost_nano_usd=None if cost is None else to_nano_usd(cost),
        )
        await self._store.add(comparison)

    def _similarity(self, text: str, other: str) -> float | None:
        """Return how much two texts say the same (cosine of unit vectors); None where the encoder has nothing to say."""
        try:
            first, second = self._embed([text[:MAX_CHARS].casefold().strip(), other[:MAX_CHARS].casefold().strip()])
        except EncoderUnavailable:
            return None
        return round(float(first @ second), 6) if first.any() and second.any() else None


def _shadow_of(request: ModelRequest, experiment: Experiment, arm: str) -> ModelRequest:
    """Return the request as the gateway's own: no key's budget and limit pays for it, but the tenant's do, and those of its own user."""
    caller = ModelCaller(request.caller.tenant_id, user=f"shadow:{experiment.name}")
    body = {name: value for name, value in request.body.items() if name not in ("stream", "stream_options", "user")}
    body["model"] = experiment.arms[arm]
    # With the caller's key for repeating, a provider that knows it would answer the caller's call once more.
    headers = tuple((name, value) for name, value in request.headers if name != "idempotency-key")
    shadow_of = f"{experiment.name}/{arm}"
    return replace(request, body=body, caller=caller, headers=headers, wishes=Wishes(skip_cache=True), shadow_of=shadow_of)


def _as_sent(request: ModelRequest) -> ModelRequest:
    return replace(request, raw=orjson.dumps(request.body))
