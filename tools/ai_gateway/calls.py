"""The door of the AI gateway: decided, limited, looked up, set aside, tried, settled. Every model call of the product comes here."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import orjson

from tools.ai_gateway.attempts import Attempts
from tools.ai_gateway.caching.answer_cache import AnswerCache
from tools.ai_gateway.caching.embedded_texts import EmbeddedTexts, is_list_of_texts
from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.configuration.config import AiConfig, Dialect, ModelProvider
from tools.ai_gateway.dialects.exchanges import (
    exchange_for_caller,
    exchange_of,
    exchanges_loaded,
    is_binary_stream,
    is_native_stream,
    takes_comments,
)
from tools.ai_gateway.model_request import ModelRequest, Surface
from tools.ai_gateway.one_call import CHARS_PER_TOKEN, Bookkeeping, OneCall
from tools.ai_gateway.payloads.call_payload import PayloadCollector
from tools.ai_gateway.refusals import (
    ModelCallRefused,
    budget_exceeded,
    forbidden,
    invalid_request,
    model_unpriced,
    no_target,
    rate_limited,
    upstream_failed,
)
from tools.ai_gateway.relay import StreamRelay
from tools.ai_gateway.replies import ModelReply, StreamReply, WholeReply
from tools.ai_gateway.routing.decision import Decision
from tools.ai_gateway.routing.router import Router
from tools.ai_gateway.shadows.shadows import Shadows
from tools.ai_gateway.stream_turns import StreamTurns
from tools.ai_gateway.token_usage import TokenUsage
from tools.ai_gateway.upstream import media_type_of
from tools.errors import ToolError
from tools.metering.budgets import Budgets, BudgetsUnavailable, BudgetUsedUp, PriceUnknown
from tools.metering.limits import LimitExceeded, Limits, LimitTicket
from tools.metering.spending import Amount, Reservation, Spending

#: beyond the time of a call, before what it set aside comes back by itself
_RESERVED_BEYOND_S = 60
#: surfaces whose answers have no tokens of their own
_SILENT: frozenset[Surface] = frozenset({"embeddings", "rerank", "count_tokens"})


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """Answers model calls. Its parts are shared by all calls; what belongs to one is in its `OneCall`."""

    config: Callable[[], AiConfig]
    router: Router
    attempts: Attempts
    budgets: Budgets
    limits: Limits
    books: Bookkeeping
    cache: AnswerCache
    shadows: Shadows
    turns: StreamTurns

    async def answer(self, request: ModelRequest) -> ModelReply:
        """Return what goes to the caller: an answer, a provider's refusal, or ours in the caller's dialect."""
        await exchanges_loaded()
        call = OneCall(request, new_call_id(), self.books, asyncio.get_running_loop().time())
        if request.wishes.log_payload and self._may_keep_words(request.caller.tenant_id):
            call.payload = PayloadCollector(request)
        try:
            return await self._answer(call)
        except ModelCallRefused as refusal:
            call.settle(call.tries.last_target, refusal.status, "error", TokenUsage())
            headers = call.headers(call.tries.last_target)
            return refused(request.surface, refusal, headers, call.call_id, self._native_dialect(request))
        except Exception:
            # A fault of ours: what was set aside comes back at once, and the call is on record.
            call.settle(call.tries.last_target, 500, "error", TokenUsage())
            raise
        finally:
            # Whoever left before there was an answer leaves a row, too.
            if not call.is_settled and not isinstance(call.decision, Decision):
                call.settle(None, 499, "cancelled", TokenUsage())

    async def _answer(self, call: OneCall) -> ModelReply:
        request = call.request
        input_tokens = len(request.raw) // CHARS_PER_TOKEN
        decision = self.router.decide(request, _needs_of(request), input_tokens)
        if request.shadow_of:
            decision = replace(decision, experiment=request.shadow_of)
        call.decision, call.shadow = decision, self.shadows.of(request, decision.experiment)
        # Which provider a key is for is the caller's to say: a route could carry it to another.
        if request.caller.own_key is not None and decision.route and not request.wishes.provider:
            raise forbidden("your own key goes to one provider only; name it in `model` (provider/id) or in x-gateway-provider")
        if request.surface == "count_tokens" and decision.targets[0].provider.dialect != "anthropic":
            return self._counted(call)
        try:
            ticket = await self._take(call, self._spending(request, decision))
            call.limit_headers = ticket.headers
            call.count_tokens = partial(self.limits.settle, ticket)
            return await self._looked_up(call, decision)
        except asyncio.CancelledError:
            call.settle(call.tries.last_target, 499, "cancelled", TokenUsage())
            raise

    async def _looked_up(self, call: OneCall, decision: Decision) -> ModelReply:
        """Return what is kept for this question, or what a provider answers."""
        place = self.cache.place_of(call.request, decision)
        if place is None:
            return await self._called(call, decision)
        call.cache = "miss"
        if is_list_of_texts(call.request):
            return await self._embedded(call, decision)
        if (found := await self.cache.find_anywhere(place)) is not None:
            return call.kept(*found)
        landed = await self.cache.take_off(place)
        try:
            if (found := self.cache.find(place)) is not None:
                return call.kept(*found)
            call.keep = lambda answer: self.cache.keep(place, answer)
            reply = await self._called(call, decision)
            if not call.is_settled:
                # A stream that has only begun.
                call.landed, landed = landed, _done
            return reply
        finally:
            landed()

    async def _embedded(self, call: OneCall, decision: Decision) -> ModelReply:
        """Return the vectors of a list of texts; only those are asked for that are not kept."""
        texts = await EmbeddedTexts.looked_up(self.cache.kept, call.request, decision)
        if not texts.missing and (target := texts.target) is not None:
            return call.kept(KeptAnswer(target, TokenUsage(), 0, texts.whole(target)), "hit")
        call.request = texts.asked()
        reply = await self._called(call, decision)
        target = call.tries.last_target
        if not isinstance(reply, WholeReply) or reply.status != 200 or target is None:
            return reply
        try:
            return replace(reply, body=await texts.merged(target, reply.body))
        except ToolError as error:
            raise upstream_failed(f"the answer of {target.provider.name} is too heavy to be read: {error.failure.message}") from error

    async def _called(self, call: OneCall, decision: Decision) -> ModelReply:
        await self._set_aside(call, decision)
        begun = await self.attempts.first(call.request, call.decision or decision, call.tries, self._max_output_tokens(call))
        if begun.reader is None:
            return call.reply(begun)
        call.first_content()
        call.media_type = media_type_of(begun)
        relay = StreamRelay(call, begun, begun.reader, self.attempts.limits(call.request), self.turns)
        return StreamReply(call.headers(begun.target) | begun.headers, relay.events, call.media_type)

    async def _set_aside(self, call: OneCall, decision: Decision) -> None:
        """Reserve what the call may cost at most in every budget that applies, or in none. Raises ModelCallRefused."""
        try:
            call.reservation = await self._reserved(call.request, decision)
        except BudgetUsedUp as error:
            if not error.over or decision.route == error.over:
                raise budget_exceeded(error.budget, error.message) from error
            input_tokens = len(call.request.raw) // CHARS_PER_TOKEN
            diverted = call.decision = self.router.decide_route(call.request, error.over, _needs_of(call.request), input_tokens)
            try:
                call.reservation = await self._reserved(call.request, diverted)
            except BudgetUsedUp as again:
                raise budget_exceeded(again.budget, again.message) from again

    async def _reserved(self, request: ModelRequest, decision: Decision) -> Reservation | None:
        most, is_known = self._most(request, decision)
        expires_s = self.config().defaults.total_s + _RESERVED_BEYOND_S
        try:
            return await self.budgets.reserve(self._spending(request, decision), most, is_known, expires_s)
        except PriceUnknown as error:
            raise model_unpriced(", ".join(target.name for target in decision.targets), error.budget) from error
        except BudgetsUnavailable as error:
            # Nobody can say what is left, so nothing is spent.
            raise no_target(f"{error}; try again", 1) from error

    def _most(self, request: ModelRequest, decision: Decision) -> tuple[Amount, bool]:
        """Return what the dearest target may cost, and whether every target has a price."""
        # Bytes are an upper bound of tokens in every tokenizer there is.
        given, out, now = len(request.raw), self._output_maximum(request), datetime.now(UTC)
        costs = [self.books.prices.most_nano_usd(each.provider.name, each.model, given, out, now) for each in decision.targets]
        known = [cost for cost in costs if cost is not None]
        return Amount(max(known, default=0), given + out), len(known) == len(costs)

    async def _take(self, call: OneCall, spending: Spending) -> LimitTicket:
        try:
            return await self.limits.take(spending, self._most_tokens(call.request))
        except LimitExceeded as error:
            raise rate_limited(error.message, error.headers) from error

    def _most_tokens(self, request: ModelRequest) -> int:
        return len(request.raw) // CHARS_PER_TOKEN + self._output_maximum(request)

    def _output_maximum(self, request: ModelRequest) -> int:
        if request.surface in _SILENT:
            return 0
        return (request.max_output_tokens or self.config().defaults.max_output_tokens) * request.answers

    def _max_output_tokens(self, call: OneCall) -> int | None:
        """Return the maximum to put in where the caller names none: a budget holds only what is bounded. Raises ModelCallRefused."""
        request = call.request
        if call.reservation is None or request.surface in _SILENT:
            return None
        if unbounded := request.unbounded_by:
            raise invalid_request(f"{unbounded}: a whole number from 1 up belongs here, as a budget applies to this call", unbounded)
        if request.max_output_tokens:
            return None
        return self.config().defaults.max_output_tokens

    def _spending(self, request: ModelRequest, decision: Decision) -> Spending:
        caller = request.caller
        candidates = tuple((target.provider.name, target.model) for target in decision.targets)
        return Spending(
            tenant_id=caller.tenant_id,
            gateway=request.gateway,
            key=caller.key_name,
            key_id=caller.key_id,
            user=request.user,
            requested=decision.route or decision.requested,
            candidates=candidates,
            person=caller.user if caller.principal is not None else "",
        )

    def _native_dialect(self, request: ModelRequest) -> Dialect:
        provider = self.config().providers.get(request.native_provider)
        return provider.dialect if provider is not None else "openai"

    def _may_keep_words(self, tenant_id: str) -> bool:
        rules = self.config().tenants.get(tenant_id)
        return rules is not None and rules.log_payloads

    def _counted(self, call: OneCall) -> WholeReply:
        """Return an estimate: only Anthropic counts for others, and its clients take a number that is near."""
        call.settle(None, 200, "ok", TokenUsage(is_estimated=True), is_free=True)
        body = orjson.dumps({"input_tokens": max(1, -(-len(call.request.raw) // CHARS_PER_TOKEN))})
        return WholeReply(200, call.headers(None), body)


def _done() -> None:
    """Do nothing: the stream says itself when it is done."""


def new_call_id() -> str:
    """Return an id that sorts by time; nobody can guess another's."""
    return f"llm_{time.time_ns() // 1000:014x}{secrets.token_hex(8)}"


def refused(surface: Surface, refusal: ModelCallRefused, headers: dict[str, str], call_id: str, dialect: Dialect = "openai") -> WholeReply:
    """Return our own refusal in the caller's dialect. `dialect`: of the provider whose own API was called (surface native)."""
    exchange = exchange_for_caller(surface, dialect)
    body = exchange.refusal(refusal.code, refusal.status, refusal.message, refusal.param, call_id)
    return WholeReply(refusal.status, headers | {"x-gateway-error": refusal.code} | dict(refusal.headers), body)


def ping_of(request: ModelRequest) -> bytes:
    """Return what is sent in silence: Anthropic has an event for it, a comment is safe everywhere (facts 1a) but in some native streams."""
    if not takes_comments(request):
        return b""
    return b'event: ping\ndata: {"type": "ping"}\n\n' if request.surface == "messages" else b": keep-alive\n\n"


def stream_type(request: ModelRequest) -> str:
    """Return the media type of a stream's events."""
    return "application/vnd.amazon.eventstream" if is_binary_stream(request) else "text/event-stream; charset=utf-8"


def error_event(surface: Surface, body: bytes) -> bytes:
    """Return an error body as the event that ends a stream whose status has gone out already; no client takes it for an end."""
    name = b"event: error\n" if surface in ("messages", "responses") else b""
    return name + b"data: " + body.replace(b"\n", b" ") + b"\n\n"


def asks_stream(config: AiConfig, provider: str, path: str, query: str) -> bool:
    """Say whether path and query of a provider's own API ask for a stream."""
    found = config.providers.get(provider)
    return found is not None and is_native_stream(found.dialect, path, query)


def _needs_of(request: ModelRequest) -> Callable[[Dialect], frozenset[str]]:
    def needs(dialect: Dialect) -> frozenset[str]:
        return exchange_of(request.surface, ModelProvider("", dialect, "")).needs(request)

    return needs
