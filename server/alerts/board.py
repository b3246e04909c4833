"""Alerts as people see and change them: what holds, who was told or why not, silences. Commands, pages and the API ask here."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from server.alerts.catalogue import KINDS
from server.alerts.groups import why_untold
from server.alerts.looking import MUTES
from server.alerts.rule import Severity
from server.config_versions.sections.alerts import Alerts
from server.storage.alerts.records import AlertDelivery, AlertGroup, AlertState, Silence, State
from server.storage.alerts.stores import AlertStores
from tools.errors import InvalidArguments
from tools.operation import Failure
from tools.plain_text import visible

MAX_SILENCE_US = 30 * 24 * 3600 * 1_000_000
MAX_MATCHERS, MAX_WORDS_CHARS = 10, 300
#: messages, newest first: more than the last one of each rule to each sink
MOST_LOOKED_AT = 1_000
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One alert. `why_untold` "": somebody was told of it as it is, or there is nothing to tell."""

    rule: str
    severity: Severity
    state: State
    summary: str
    labels: Mapping[str, str]
    hint: str
    began_at_us: int
    fired_at_us: int | None
    resolved_at_us: int | None
    told_at_us: int | None
    why_untold: str


class SeesAlerts(Protocol):
    """What a page needs; times in microseconds since the epoch, UTC."""

    async def alerts(self) -> Sequence[SeenAlert]:
        """Return those that hold, the worst and newest first, then those of the last days that are over."""
        ...

    async def silences(self) -> Sequence[Silence]:
        """Return silences that hold, and those that ended lately."""
        ...

    async def deliveries(self, limit: int = 50, rule: str | None = None) -> Sequence[AlertDelivery]:
        """Return messages, newest first: sent, waiting for another try, given up; with words."""
        ...

    async def silence(self, matchers: Mapping[str, str], until_us: int, why: str, by: str) -> Silence:
        """Keep nothing told of what matches. Raises InvalidArguments with the rule that was broken, QuotaExceeded."""
        ...

    async def unsilence(self, silence_id: str) -> bool:
        """End a silence now; False: none of that id holds."""
        ...


class AlertBoard:
    """Keeps `SeesAlerts`."""

    def __init__(
        self, stores: AlertStores, settings: Callable[[], Alerts], clock_us: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        self._stores, self._settings, self._clock_us = stores, settings, clock_us

    async def alerts(self) -> Sequence[SeenAlert]:
        now_us = self._clock_us()
        known = await self._stores.states.known(now_us)
        groups = {each.rule: each for each in known.groups}
        is_down = any(each.rule == MUTES and each.state == "firing" for each in known.states)
        latest = _latest(await self._stores.outbox.recent(MOST_LOOKED_AT))
        seen = [
            self._seen(
                each, groups.get(each.rule, AlertGroup(each.rule)), known.silences, latest.get(each.rule, ()), now_us, is_down=is_down
            )
            for each in known.states
        ]
        return sorted(seen, key=lambda each: (_ORDER[each.state], each.severity != "critical", -each.began_at_us))

    async def silences(self) -> Sequence[Silence]:
        return await self._stores.silences.all()

    async def deliveries(self, limit: int = 50, rule: str | None = None) -> Sequence[AlertDelivery]:
        return await self._stores.outbox.recent(limit, rule)

    async def silence(self, matchers: Mapping[str, str], until_us: int, why: str, by: str) -> Silence:
        now_us = self._clock_us()
        if not matchers or len(matchers) > MAX_MATCHERS:
            raise _refused(f"a silence has 1 to {MAX_MATCHERS} matchers, not {len(matchers)}", "name a rule, or labels: rule=disk node=a")
        for name, value in matchers.items():
            if not _LABEL.fullmatch(name) or not 0 < len(value) <= MAX_WORDS_CHARS:
                raise _refused(f"{visible(name)[:40]!r} is no label with a value", "`ascend alert list` shows the labels of alerts")
        if (rule := matchers.get("rule")) is not None and rule not in KINDS:
            raise _refused(f"there is no rule {visible(rule)[:40]!r}", f"there are {', '.join(KINDS)}")
        if not now_us < until_us <= now_us + MAX_SILENCE_US:
            raise _refused("a silence ends within 30 days", "say until when, like 2h or 3d")
        if not (words := visible(why).strip()[:MAX_WORDS_CHARS]):
            raise _refused("a silence says why", "whoever finds it wants to know")
        silence = Silence(f"sil_{uuid4().hex[:12]}", dict(matchers), words, by, now_us, until_us)
        await self._stores.silences.add(silence)
        return silence

    async def unsilence(self, silence_id: str) -> bool:
        return await self._stores.silences.end(silence_id, self._clock_us())

    def _seen(
        self,
        state: AlertState,
        group: AlertGroup,
        silences: Sequence[Silence],
        latest: Sequence[AlertDelivery],
        now_us: int,
        *,
        is_down: bool,
    ) -> SeenAlert:
        kind = KINDS.get(state.rule)
        tells_end = kind is None or kind.tells_end
        why = why_untold(state, group, silences, now_us, tells_end=tells_end, is_muted=is_down and state.rule != MUTES)
        return SeenAlert(
            rule=state.rule,
            severity="warning" if kind is None else kind.severity,
            state=state.state,
            summary=state.summary,
            labels=state.labels,
            hint="" if kind is None else kind.hint,
            began_at_us=state.began_at_us,
            fired_at_us=state.fired_at_us,
            resolved_at_us=state.resolved_at_us,
            told_at_us=group.told_at_us if not why and state.state != "pending" else None,
            why_untold=why or self._undelivered(state, latest),
        )

    def _undelivered(self, state: AlertState, latest: Sequence[AlertDelivery]) -> str:
        if state.state != "firing":
            return ""
        if not self._settings().sinks:
            return "no sink is set: the log alone says it"
        return "; ".join(
            f"sink {each.sink}: {'given up, ' if each.state == 'dead' else ''}{each.error or 'on its way'}"
            for each in latest
            if each.state != "sent"
        )


def _latest(deliveries: Sequence[AlertDelivery]) -> Mapping[str, Sequence[AlertDelivery]]:
    """Return the last message of each rule, to each sink; `deliveries`: newest first."""
    found: dict[str, list[AlertDelivery]] = {}
    for each in deliveries:
        of_rule = found.setdefault(each.rule, [])
        if not of_rule or of_rule[0].created_at_us == each.created_at_us:
            of_rule.append(each)
    return found


_ORDER = {"firing": 0, "pending": 1, "resolved": 2}


def _refused(message: str, hint: str) -> InvalidArguments:
    return InvalidArguments(Failure("invalid_arguments", message, hint=hint))
