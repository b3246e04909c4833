"""Asking a source: at its pace, and again where it says so."""

from collections.abc import Mapping
from dataclasses import replace

import anyio.to_thread
import orjson

from tools.errors import ToolError
from tools.large_json import LargeJson
from tools.operation import Failure, Json, Outcome
from tools.workflows.ingestion.pace import Pace, Time
from tools.workflows.run import Run

#: in all, of one call within one attempt of a step
ATTEMPTS = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
#: a session may end in between: the gateway renews it, and the same call goes through
RENEWALS = 4
UNAUTHORIZED = "upstream_unauthorized"


class Asking:
    """What one run asks of one source."""

    def __init__(self, run: Run, pace: Pace, time: Time) -> None:
        self._run, self._pace, self._time = run, pace, time

    async def ask(self, operation: str, arguments: Mapping[str, Json]) -> Outcome:
        """Return the outcome of an operation, its data decoded. What may pass is waited for, Retry-After heeded.

        Raises ToolError: what may not pass, what did not, or what wants more than a minute, for which the step waits.
        """
        attempt = 0
        while True:
            try:
                async with self._pace.turn():
                    outcome = await self._run.ask(operation, arguments)
                break
            except ToolError as error:
                attempt += 1
                wait_s = _wait_s(error.failure, attempt)
                if wait_s is None or wait_s > LONGEST_WAIT_S:
                    raise
                await self._time.sleep(wait_s)
        if isinstance(outcome.data, LargeJson):
            # Some megabytes at the most: pages have a size that vendors keep to.
            outcome = replace(outcome, data=await anyio.to_thread.run_sync(orjson.loads, outcome.data.text))
        return outcome


def _wait_s(failure: Failure, attempt: int) -> float | None:
    """Return how long to wait before the next attempt; None: there is none."""
    may_pass = failure.retryable or (failure.code == UNAUTHORIZED and attempt <= RENEWALS)
    if not may_pass or attempt >= ATTEMPTS:
        return None
    waited: float = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
    return max(waited, failure.retry_after_s or 0.0)


def status_of(error: ToolError) -> int:
    """Return the status that an upstream answered with; 0 where there was none."""
    return int((error.failure.upstream or {}).get("status") or 0)
