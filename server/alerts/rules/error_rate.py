"""How many calls fail by the gateway's or an upstream's doing; from the sums by hour, looked at again and again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from server.alerts.rule import HOUR_US, MINUTE_US, Condition, RuleKind
from server.config_versions.sections.alerts import ErrorRateSettings

#: hour since the epoch -> calls, failures of the service
ByHour = Mapping[int, tuple[int, int]]


class CallSums(Protocol):
    async def calls_by_hour(self, since_hour: int) -> ByHour: ...


class ErrorRate:
    """Remembers what the sums were within the last minutes; `memory` goes with the watch from node to node."""

    kind: ClassVar = RuleKind(
        "error-rate", "critical", "`ascend errors` says which kinds there are, `ascend trace ID` what happened in one", every_s=15.0
    )

    def __init__(self, sums: CallSums, settings: Callable[[], ErrorRateSettings]) -> None:
        self._sums, self._settings = sums, settings
        self._seen: list[tuple[int, ByHour]] = []

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        settings = self._settings()
        hour = now_us // HOUR_US
        found = await self._sums.calls_by_hour(hour - 1)
        if not self._seen or dict(self._seen[-1][1]) != dict(found):
            self._seen.append((now_us, found))
        begins_us = now_us - settings.minutes * MINUTE_US
        while len(self._seen) > 1 and self._seen[1][0] <= begins_us:
            del self._seen[0]
        before = self._seen[0][1]
        # An hour that was not there yet had no calls; one that is not asked for any more has no new ones.
        calls = sum(max(0, now[0] - before.get(each, (0, 0))[0]) for each, now in found.items())
        failed = sum(max(0, now[1] - before.get(each, (0, 0))[1]) for each, now in found.items())
        if calls < settings.at_least_calls or 100 * failed <= settings.above_percent * calls:
            return []
        return [Condition(f"{100 * failed / calls:.1f} % of {calls:,} calls failed within {settings.minutes} minutes")]

    @property
    def memory(self) -> Any:
        """As JSON: what was seen, oldest first."""
        return [[at_us, {str(hour): list(counts) for hour, counts in seen.items()}] for at_us, seen in self._seen]

    def remember(self, memory: Any) -> None:
        """Take over what another node has seen, or this one before it was started anew."""
        self._seen = [(int(at_us), {int(hour): (int(c), int(f)) for hour, (c, f) in seen.items()}) for at_us, seen in memory or ()]
