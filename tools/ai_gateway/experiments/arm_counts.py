"""The last calls of one arm, and the first rule of its experiment that they break."""

from collections import deque
from collections.abc import Iterable

from tools.ai_gateway.configuration.config import HoldRule
from tools.ai_gateway.experiments.arm_call import ArmCall

#: an arm is judged by so many of its last calls, or by `min_calls` where that is more: what went well for a week hides nothing
WINDOW_CALLS = 200


class ArmCounts:
    """Counts in bounded memory; adding a call costs the same however many there were."""

    def __init__(self, rule: HoldRule, leads_to: str, step: int = 0) -> None:
        self.rule, self.leads_to, self.step = rule, leads_to, step
        self._calls: deque[ArmCall] = deque(maxlen=max(rule.min_calls, WINDOW_CALLS))
        self._errors = self._fallbacks = 0

    def add(self, call: ArmCall) -> None:
        if len(self._calls) == self._calls.maxlen:
            oldest = self._calls[0]
            self._errors -= oldest.is_error
            self._fallbacks -= oldest.is_fallback
        self._calls.append(call)
        self._errors += call.is_error
        self._fallbacks += call.is_fallback

    @property
    def is_enough(self) -> bool:
        """Whether there were as many calls as the arm is judged by."""
        return len(self._calls) >= self.rule.min_calls

    def breach(self) -> str:
        """Return which rule is broken, in words with figures, or ""."""
        rule, calls = self.rule, len(self._calls)
        if not self.is_enough:
            return ""
        if rule.error_rate is not None and self._errors > rule.error_rate * calls:
            return f"{self._errors} errors in {calls} calls, more than {rule.error_rate:.1%}"
        if rule.fallback_rate is not None and self._fallbacks > rule.fallback_rate * calls:
            return f"{self._fallbacks} fallbacks in {calls} calls, more than {rule.fallback_rate:.1%}"
        if rule.p95_ms is not None and (p95 := p95_of(call.ms for call in self._calls)) > rule.p95_ms:
            return f"p95 of {p95:.0f} ms in {calls} calls, more than {rule.p95_ms:.0f} ms"
        return ""


def p95_of(times_ms: Iterable[float]) -> float:
    """Return the time that 95 of 100 calls stay within (nearest rank); 0 for none."""
    ordered = sorted(times_ms)
    return ordered[-(-len(ordered) * 95 // 100) - 1] if ordered else 0.0
