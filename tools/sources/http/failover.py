"""Sends a call to a base URL that is well; what failed goes once to another, where repeating is harmless or nothing was sent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tools.effects import was_sent
from tools.operation import Call, Operation, Outcome
from tools.sources.http.base_urls import Upstreams

#: no answer came
_SILENT = frozenset({"upstream_unreachable", "upstream_timeout", "upstream_reset", "upstream_malformed"})
#: what stands before the upstream says that it is ill (RFC 9110 §15.6)
_ILL = frozenset({502, 503, 504})
#: another place is tried only with this much time left
SPARE_S = 1.0
MAX_VARIANTS = 20_000


class Failover:
    """Runs operations that are served at several base URLs.

    A write that is not idempotent never goes out twice: where any of it may have been sent, its failure is the answer, and the next
    call goes elsewhere.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        #: (content hash, base URL) -> the operation as it is served there
        self._variants: dict[tuple[str, str], Operation] = {}

    async def run(self, call: Call, run_at_one: Callable[[Call], Awaitable[Outcome]]) -> Outcome:
        """Run `call` at one place after the other until one answers; `run_at_one` gets it as it is served there."""
        operation = call.operation
        may_repeat = operation.access == "read" or operation.idempotent
        tried: list[str] = []
        outcome: Outcome | None = None
        while (base_url := self._upstreams.choose(operation, tried)) is not None:
            tried.append(base_url)
            try:
                outcome = await run_at_one(replace(call, operation=self._served_at(operation, base_url)))
            except BaseException:
                # Cancelled, or not connected: that says nothing of the place, and its probe, if it was one, is over.
                self._upstreams.release(base_url)
                raise
            is_answer = not _is_ill(outcome)
            self._upstreams.report(base_url, is_answer)
            is_over = is_answer or not (may_repeat or (outcome.error is not None and not was_sent(outcome.error)))
            if is_over or call.deadline - asyncio.get_running_loop().time() < SPARE_S:
                return outcome
        assert outcome is not None, "an operation has at least one base URL"
        return outcome

    def _served_at(self, operation: Operation, base_url: str) -> Operation:
        key = (operation.content_hash, base_url)
        variant = self._variants.get(key)
        if variant is None:
            if len(self._variants) >= MAX_VARIANTS:
                self._variants.clear()
            binding = {**operation.binding, "base_url": base_url}
            # Runners keep what they compile by content hash.
            variant = replace(operation, binding=binding, content_hash=f"{operation.content_hash}@{base_url}")
            self._variants[key] = variant
        return variant


def _is_ill(outcome: Outcome) -> bool:
    if outcome.error is None:
        return False
    upstream = outcome.error.upstream or {}
    return outcome.error.code in _SILENT or upstream.get("status") in _ILL
