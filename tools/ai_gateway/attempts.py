"""Failing over: the targets of a decision in turn, until one has begun an answer.

Nothing has reached the caller while this runs, so any target may still take over. AI gateway contract, "Failing over": connect faults,
408, 409, 429, 5xx, time-outs, an error or an end before content, a context that is too long, and our key refused go on to the next;
every other refusal is the caller's to hear, as it came. The same target is asked twice at most.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from oauth.connections.credentials import Credential
from tools.ai_gateway.breaker import Breakers, Circuit
from tools.ai_gateway.configuration.config import AiConfig
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.latencies import TargetStanding
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.provider_keys import NoProviderKey, ProviderKeys, identity_of, identity_of_own
from tools.ai_gateway.records.call_record import TargetAttempt
from tools.ai_gateway.refusals import ModelCallRefused, no_target, upstream_failed, upstream_timeout
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.upstream import Begun, ProviderClient, TimeLimits, TryFailed

#: a provider that asks for more is left for the next target
MAX_WAIT_S = 2.0
#: failures of this gateway, or by what a caller did to it
OURS = frozenset({"busy", "too_heavy"})


@dataclass(slots=True)
class Tries:
    """What was tried for one call, in order."""

    made: list[TargetAttempt] = field(default_factory=list)
    #: ms that were spent waiting for providers
    upstream_ms: float = 0.0
    last_target: ModelTarget | None = None
    #: of the last target
    circuit: Circuit = ("", "")
    failures: list[TryFailed] = field(default_factory=list)
    #: why targets could not even be asked
    refusals: list[ModelCallRefused] = field(default_factory=list)


class Attempts:
    """Goes through the targets of a decision. One for the process; what belongs to one call is in its `Tries`."""

    def __init__(
        self, config: Callable[[], AiConfig], upstream: ProviderClient, keys: ProviderKeys, breakers: Breakers, standing: TargetStanding
    ) -> None:
        self._config, self._upstream, self._keys = config, upstream, keys
        self._breakers, self._standing = breakers, standing

    def limits(self, request: ModelRequest) -> TimeLimits:
        """Return the time limits of a call."""
        defaults = self._config().defaults
        first_byte_s = request.wishes.timeout_s or defaults.first_byte_s
        return TimeLimits(defaults.connect_s, min(first_byte_s, defaults.total_s), defaults.idle_s, defaults.total_s)

    async def first(self, request: ModelRequest, decision: Decision, tries: Tries, max_output_tokens: int | None) -> Begun:
        """Return the first answer that has begun. Raises ModelCallRefused where none did.

        A refusal of a provider comes back as a `Begun` with its `fault`, also the last one where all targets refused.
        """
        left = request.wishes.max_attempts or 1_000
        closed_s: list[float] = []
        for target in decision.targets:
            if left <= 0:
                break
            try:
                credential = await self._credential(request, target)
            except NoProviderKey as error:
                tries.refusals.append(upstream_failed(str(error)))
                tries.made.append(TargetAttempt(target.name, 0, "no_key", 0.0))
                continue
            is_own = request.caller.own_key is not None
            circuit = (target.name, identity_of_own(request.caller) if is_own else identity_of(credential))
            if not self._breakers.admits(circuit):
                closed_s.append(self._breakers.opens_in_s(circuit))
                tries.made.append(TargetAttempt(target.name, 0, "open", 0.0))
                continue
            for repeat in (False, True):
                left -= 1
                failed = await self._try(request, target, credential, circuit, tries, max_output_tokens)
                if isinstance(failed, Begun):
                    return failed
                if repeat or left <= 0 or (wait_s := _repeat_after_s(failed)) is None:
                    break
                await asyncio.sleep(wait_s)
        return self._none_answered(decision, tries, closed_s)

    async def _credential(self, request: ModelRequest, target: ModelTarget) -> Credential | None:
        if request.caller.own_key is not None:
            return None
        return await self._keys.for_call(request.caller, target.provider)

    async def _try(
        self,
        request: ModelRequest,
        target: ModelTarget,
        credential: Credential | None,
        circuit: Circuit,
        tries: Tries,
        max_output_tokens: int | None,
    ) -> Begun | TryFailed | None:
        """Ask one target once; None: it cannot be asked this at all."""
        now = asyncio.get_running_loop().time
        began = now()
        tries.last_target, tries.circuit = target, circuit
        try:
            exchange = exchange_of(request.surface, target.provider)
            limits = self.limits(request)
            begun = await self._upstream.begin(request, target, exchange, credential, limits, max_output_tokens)
            if request.wishes.is_reliable:
                begun = await self._upstream.held_back(begun, limits)
        except ModelCallRefused as refusal:
            self._breakers.abandoned(circuit)
            tries.refusals.append(refusal)
            tries.made.append(TargetAttempt(target.name, 0, refusal.code, 0.0))
            return None
        except TryFailed as failed:
            ms = (now() - began) * 1000
            tries.upstream_ms += ms
            tries.made.append(TargetAttempt(target.name, failed.status, failed.code, round(ms, 1)))
            return self._judged(request, target, circuit, tries, failed)
        except asyncio.CancelledError:
            # The caller left: that says nothing of the provider.
            self._breakers.abandoned(circuit)
            tries.upstream_ms += (ms := (now() - began) * 1000)
            tries.made.append(TargetAttempt(target.name, 0, "cancelled", round(ms, 1)))
            raise
        ms = (now() - began) * 1000
        tries.upstream_ms += ms
        tries.made.append(TargetAttempt(target.name, begun.status, "", round(ms, 1)))
        self._standing.observe(target, ms)
        if begun.reader is None:
            self._breakers.succeeded(circuit)
        return begun

    def _judged(self, request: ModelRequest, target: ModelTarget, circuit: Circuit, tries: Tries, failed: TryFailed) -> Begun | TryFailed:
        """Return the refusal as an answer where it is the caller's to hear; else count the failure."""
        fault = failed.fault
        is_own_key = request.caller.own_key is not None
        if fault is not None and (fault.kind == "final" or (fault.kind == "key" and is_own_key)):
            self._breakers.abandoned(circuit)
            return Begun(target, fault.status, failed.headers, None, fault=fault)
        if (fault is not None and fault.kind == "context") or self._is_callers_doing(request, failed):
            self._breakers.abandoned(circuit)
        else:
            self._breakers.failed(circuit)
        tries.failures.append(failed)
        return failed

    def _is_callers_doing(self, request: ModelRequest, failed: TryFailed) -> bool:
        """Say whether a failure tells nothing of the provider: others share its circuit, and nobody may open it for them at will."""
        patience_s = request.wishes.timeout_s
        is_impatient = patience_s is not None and patience_s < self._config().defaults.first_byte_s
        return failed.code in OURS or (failed.code == "timeout" and is_impatient)

    def _none_answered(self, decision: Decision, tries: Tries, closed_s: list[float]) -> Begun:
        """Return the last provider's refusal as it came. Raises ModelCallRefused where there is none, or our key was refused."""
        answered = [failed for failed in tries.failures if failed.fault is not None]
        if answered and tries.last_target is not None:
            last = answered[-1]
            fault = last.fault
            if fault is not None and fault.kind != "key":
                return Begun(tries.last_target, fault.status, last.headers, None, fault=fault)
            # Which key we hold there, and what is wrong with it, is the operator's business.
            message = f"{tries.last_target.provider.name} refused the gateway's key (status {last.status}); an operator has to renew it"
            raise upstream_failed(message)
        if tries.failures:
            last = tries.failures[-1]
            raise upstream_timeout(last.message) if last.code == "timeout" else upstream_failed(last.message)
        if closed_s:
            retry_s = max(1, round(min(closed_s) + 0.5))
            message = f"every target of {decision.route or decision.requested!r} failed lately and is left alone; try again in {retry_s} s"
            raise no_target(message, retry_s)
        if tries.refusals:
            raise tries.refusals[0]
        raise no_target(f"{decision.route or decision.requested!r} has no target for this request", 60)


def soonest_retry_after_s(tries: Tries) -> float | None:
    """Return the soonest time at which any of the targets that refused may be asked again."""
    told = [failed.retry_after_s for failed in tries.failures if failed.status == 429 and failed.retry_after_s is not None]
    return min(told, default=None)


def _repeat_after_s(failed: TryFailed | None) -> float | None:
    """Return after how long the same target is asked once more; None: it is not."""
    if failed is None:
        return None
    if failed.code == "reset" or failed.status == 500:
        return 0.0
    if failed.status == 429 and failed.retry_after_s is not None and failed.retry_after_s <= MAX_WAIT_S:
        return failed.retry_after_s
    return None
