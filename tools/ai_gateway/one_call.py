"""One model call from its decision to its settlement: what was tried, what it used and cost, and the one row that it leaves."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from tools.ai_gateway.attempts import Tries, soonest_retry_after_s
from tools.ai_gateway.breaker import Breakers
from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.dialects.exchanges import exchange_of, takes_comments, told_in_stream
from tools.ai_gateway.heavy.whole_answers import replayed
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.payloads.call_payload import PayloadCollector
from tools.ai_gateway.pricing.price_book import PriceBook
from tools.ai_gateway.records.call_ledger import CallLedger
from tools.ai_gateway.records.call_record import CacheStatus, CallEnd, ModelCallRecord
from tools.ai_gateway.replies import ModelReply, StreamReply, WholeReply
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.shadows.shadows import Answered
from tools.ai_gateway.token_usage import TokenUsage
from tools.ai_gateway.upstream import Begun
from tools.errors import ToolError
from tools.metering.spending import Amount, Reservation

#: where nobody reported: what most models make of a token, in English
CHARS_PER_TOKEN = 4
#: of a whole answer that is sent as a stream
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """Where a call's end is told."""

    prices: PriceBook
    ledger: CallLedger
    breakers: Breakers


@dataclass(slots=True)
class OneCall:
    """The state of one call. `settle` is called once, whatever happens."""

    request: ModelRequest
    call_id: str
    books: Bookkeeping
    #: loop time
    began: float
    at_us: int = field(default_factory=lambda: time.time_ns() // 1000)
    decision: Decision | None = None
    reservation: Reservation | None = None
    tries: Tries = field(default_factory=Tries)
    cache: CacheStatus = "bypass"
    limit_headers: Mapping[str, str] = field(default_factory=dict)
    ttft_ms: float | None = None
    is_settled: bool = False
    #: takes a complete answer into the cache; None: it is not kept
    keep: Callable[[KeptAnswer], None] | None = None
    #: takes the words of the answer; None: they are kept nowhere
    payload: PayloadCollector | None = None
    #: takes what the caller got, to compare another model's answer with it; None: nothing shadows this call
    shadow: Callable[[Answered], None] | None = None
    #: tells the limits how many tokens it took in the end; None: no limit was asked
    count_tokens: Callable[[int], None] | None = None
    #: of a stream whose bytes are no events, and take no word of ours in between; "": they are events
    media_type: str = ""
    #: tells those who wait for this answer that there will be no more of it; None: nobody waits
    landed: Callable[[], None] | None = None
    _cost_nano_usd: int | None = None

    def reply(self, begun: Begun) -> ModelReply:
        """Return what goes to the caller of an answer that is here as a whole, or of a refusal; it is settled."""
        if begun.fault is not None:
            self.said(begun.fault.body)
            self.settle(begun.target, begun.status, "error", TokenUsage())
            headers = self.headers(begun.target) | begun.headers | self._soonest(begun.status)
            told = told_in_stream(self.request.surface, begun.fault) if self.request.is_stream else None
            if told is not None:
                return StreamReply(headers, lambda: _one_event(told))
            return WholeReply(begun.status, headers, begun.fault.body, begun.fault.content_type)
        if begun.whole is None:
            raise RuntimeError("a stream is relayed, not returned")
        whole = begun.whole
        usage = whole.usage or self.estimated(whole.produced_chars)
        self.said(whole.body)
        self.settle(begun.target, begun.status, "ok", usage)
        if self.is_wanted:
            self.complete(KeptAnswer(begun.target, usage, 0, whole.body, content_type=whole.content_type))
        if self.request.is_stream:
            # A provider that does not stream: the caller asked for events all the same.
            return self._played(begun.target, usage, whole.body, begun.headers)
        return WholeReply(begun.status, self.headers(begun.target, usage) | begun.headers, whole.body, whole.content_type)

    def said(self, data: bytes) -> None:
        """Take words of the answer, where they are wanted."""
        if self.payload is not None:
            self.payload.take(data)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody but the caller wants the complete answer."""
        return self.keep is not None or self.shadow is not None

    def complete(self, answer: KeptAnswer) -> None:
        """Give the complete answer of a settled call to the cache, and to who compares it with another model's."""
        if self.keep is not None:
            self.keep(answer)
        if self.shadow is not None:
            self.shadow(Answered(self.call_id, answer, round(self._elapsed_ms(), 1), self._cost_nano_usd))

    def first_content(self) -> None:
        """Note that the first content of a stream is here."""
        self.ttft_ms = round(self._elapsed_ms(), 1)

    def kept(self, answer: KeptAnswer, status: CacheStatus) -> ModelReply:
        """Return an answer of the cache, whole or played back as a stream; it costs nothing."""
        self.cache = status
        self.said(answer.whole or answer.events or b"")
        self.settle(answer.target, 200, "ok", answer.usage, is_free=True)
        if not self.request.is_stream:
            return WholeReply(200, self.headers(answer.target, answer.usage), answer.whole or b"", answer.content_type)
        if answer.whole is not None:
            return self._played(answer.target, answer.usage, answer.whole, {})
        events, terminal = answer.events or b"", answer.terminal

        async def again() -> AsyncGenerator[bytes]:
            yield events + self.trailer(answer.target, answer.usage) + terminal

        return StreamReply(self.headers(answer.target, answer.usage), again)

    def _played(self, target: ModelTarget, usage: TokenUsage, body: bytes, passed: dict[str, str]) -> StreamReply:
        exchange, caller = exchange_of(self.request.surface, target.provider), self.request.caller

        async def played() -> AsyncGenerator[bytes]:
            try:
                events, terminal = await replayed(exchange, self.request, target, body, (caller.tenant_id, caller.key_id or caller.user))
            except ToolError as error:
                yield exchange.reader(self.request, target).interruption(error.failure.message)
                return
            for at in range(0, len(events), _PIECE_BYTES):
                yield events[at : at + _PIECE_BYTES]
            yield self.trailer(target, usage) + terminal

        return StreamReply(self.headers(target, usage) | passed, played)

    def headers(self, target: ModelTarget | None, usage: TokenUsage | None = None) -> dict[str, str]:
        """Return the headers that tell the caller what was done (AI gateway contract, "Answer")."""
        cache_status = {"hit": "HIT", "semantic": "HIT", "miss": "MISS", "bypass": "BYPASS"}[self.cache]
        headers = {
            "x-gateway-request-id": self.call_id,
            "cf-aig-log-id": self.call_id,
            "x-gateway-cache": self.cache,
            "cf-aig-cache-status": cache_status,
            "x-gateway-attempts": str(len(self.tries.made)),
            "x-gateway-overhead-ms": f"{self._overhead_ms():.1f}",
            **self.limit_headers,
        }
        if self.decision is not None:
            if self.decision.route:
                headers["x-gateway-route"] = self.decision.route
            if self.decision.experiment:
                headers["x-gateway-experiment"] = self.decision.experiment
            if self.decision.sunset is not None:
                headers["sunset"] = self.decision.sunset.strftime("%a, %d %b %Y 00:00:00 GMT")
        if target is not None:
            headers |= {"x-gateway-provider": target.provider.name, "x-gateway-model": target.name, "x-model-id": target.model}
        if usage is not None:
            headers["x-tokens-used"] = str(usage.total_tokens)
            if self._cost_nano_usd is not None:
                headers["x-gateway-cost"] = dollars(self._cost_nano_usd)
        # A name of a model may be anybody's text (RFC 9110 §5.5).
        return {name: value.encode("ascii", "replace").decode() for name, value in headers.items() if value.isprintable()}

    def settle(self, target: ModelTarget | None, status: int, outcome: CallEnd, usage: TokenUsage, *, is_free: bool = False) -> None:
        """Book what was used, once; whatever was set aside beyond it comes back."""
        if self.is_settled:
            return
        self.is_settled = True
        cost = None
        if target is not None and outcome != "error":
            cost = self.books.prices.cost(target.provider.name, target.model, usage, datetime.now(UTC))
        self._cost_nano_usd = 0 if is_free or outcome == "error" else cost.nano_usd if cost is not None else None
        decision = self.decision
        record = ModelCallRecord(
            id=self.call_id,
            at_us=self.at_us,
            tenant_id=self.request.caller.tenant_id,
            gateway=self.request.gateway,
            key_id=self.request.caller.key_id,
            user=self.request.user,
            route=decision.route if decision else "",
            requested=decision.requested if decision else self.request.model,
            provider=target.provider.name if target else "",
            model=target.model if target else "",
            status=status,
            outcome=outcome,
            is_stream=self.request.is_stream,
            attempts=tuple(self.tries.made),
            cache=self.cache,
            experiment=decision.experiment if decision else "",
            usage=usage,
            cost_nano_usd=self._cost_nano_usd,
            price_from=cost.price_from if cost is not None and not is_free else "",
            ttft_ms=self.ttft_ms,
            ms=round(self._elapsed_ms(), 1),
            overhead_ms=round(self._overhead_ms(), 1),
            metadata=self.request.wishes.metadata,
            trace_id=self.request.trace.trace_id,
            decision=decision.reasons if decision else (),
            payload=self.payload.payload() if self.payload is not None else None,
            surface=self.request.surface,
        )
        spent = Amount() if is_free or outcome == "error" else Amount(self._cost_nano_usd or 0, usage.total_tokens)
        self.books.ledger.close(record, self.reservation, spent)
        if self.count_tokens is not None:
            self.count_tokens(spent.tokens)
        if self.landed is not None:
            # After this step, in which a complete answer is kept.
            asyncio.get_running_loop().call_soon(self.landed)

    def trailer(self, target: ModelTarget, usage: TokenUsage) -> bytes:
        """Return the comment that says at the end of a stream what the call was and cost; nothing where none is taken."""
        if self.media_type or not takes_comments(self.request):
            return b""
        facts = {
            "request_id": self.call_id,
            "model": target.name,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": None if self._cost_nano_usd is None else self._cost_nano_usd / 1e9,
            "estimated": usage.is_estimated,
        }
        return b": gateway " + orjson.dumps(facts) + b"\n\n"

    def estimated(self, produced_chars: int) -> TokenUsage:
        """Return what an answer whose provider keeps silent used, by its size."""
        return TokenUsage(
            input_tokens=-(-len(self.request.raw) // CHARS_PER_TOKEN),
            output_tokens=-(-produced_chars // CHARS_PER_TOKEN),
            is_estimated=True,
        )

    def _soonest(self, status: int) -> dict[str, str]:
        soonest = soonest_retry_after_s(self.tries) if status == 429 else None
        if soonest is None:
            return {}
        return {"retry-after": str(max(1, -(-int(soonest * 1000) // 1000))), "retry-after-ms": str(int(soonest * 1000))}

    def _elapsed_ms(self) -> float:
        return (asyncio.get_running_loop().time() - self.began) * 1000

    def _overhead_ms(self) -> float:
        return max(0.0, (self.ttft_ms or self._elapsed_ms()) - self.tries.upstream_ms)


async def _one_event(event: bytes) -> AsyncGenerator[bytes]:
    yield event


def dollars(nano_usd: int) -> str:
    """Return an amount as a plain decimal number of dollars."""
    return f"{nano_usd / 1e9:.9f}".rstrip("0").rstrip(".") or "0"
