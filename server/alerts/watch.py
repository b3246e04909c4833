"""The loop that looks: on one node at a time, which holds the watch; the others say how they are."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import anyio
import orjson

from server.alerts.delivery import Deliveries
from server.alerts.looking import Found, firing_by_rule, look
from server.alerts.message import AlertMessage
from server.alerts.node_figures import NodeFigures, NodeWatch
from server.alerts.outage import Outage
from server.alerts.rule import Rule
from server.config_versions.sections.alerts import Alerts
from server.storage.alerts.nodes import SqlNodeReports
from server.storage.alerts.records import NodeReport
from server.storage.alerts.states import SqlAlertStore
from server.storage.database import StoreUnavailable

EVERY_S = 15.0
#: Kept for so long; taken anew when half of it is over: one write in half a minute where nothing happens.
LEASE_US = 60 * 1_000_000
#: a node that said nothing for so long is gone
NODE_SILENT_US = 180 * 1_000_000
#: a node that nothing changes for says so all the same
NODE_REPORTS_US = 60 * 1_000_000
RELEASE_TIMEOUT_S = 2.0

log = logging.getLogger("ascend.alerts")


class RemembersBetweenNodes(Protocol):
    """A rule whose memory goes with the watch."""

    @property
    def memory(self) -> Any: ...

    def remember(self, memory: Any) -> None: ...


class Watch:
    """`nodes` is what rules are told of nodes, as of the last look."""

    def __init__(
        self,
        store: SqlAlertStore,
        reports: SqlNodeReports,
        node: NodeWatch,
        deliveries: Deliveries,
        settings: Callable[[], Alerts],
        outage: Outage,
        *,
        gateway: str,
        environment: str,
        prepare: Callable[[], Awaitable[None]],
        beat: Callable[[int], Awaitable[None]],
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """`prepare`: is done at each look of the node that holds the watch, before anything is told; `beat`: beside its looks."""
        self._store, self._reports, self._node, self._deliveries = store, reports, node, deliveries
        self._settings, self._outage, self._clock_us = settings, outage, clock_us
        self._prepare, self._beat = prepare, beat
        self._gateway, self._environment = gateway, environment
        self.rules: Sequence[Rule] = ()
        self.remembering: Mapping[str, RemembersBetweenNodes] = {}
        self.nodes: Sequence[NodeFigures] = ()
        self.firing: Mapping[str, int] = {}
        self.looks = {"held": 0, "other": 0, "failed": 0}
        self._held_until_us, self._held_last = 0, False
        self._next_look_us: dict[str, int] = {}
        self._reported: tuple[int, NodeFigures | None] = (0, None)
        self._has_news, self._memory = anyio.Event(), ""

    @property
    def deliveries(self) -> Mapping[tuple[str, str], int]:
        """Return how many tries of this process ended so, by kind of sink and outcome."""
        return self._deliveries.counts

    @property
    def holds(self) -> bool:
        """Say whether this node looks."""
        return self._held_until_us > self._clock_us()

    async def run(self) -> None:
        """Look and deliver until cancelled; then the next node may at once."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._deliver)
                while True:
                    await self.look_safely()
                    await anyio.sleep(EVERY_S)
        finally:
            with anyio.move_on_after(RELEASE_TIMEOUT_S, shield=True):
                await self.release()

    async def look_safely(self) -> None:
        """Look once, whatever comes of it: a fault in here must not end the gateway, which has more to do."""
        try:
            await self._look_or_tell(self._clock_us())
        except Exception as error:  # of ours, since what a store raises is told
            self._failed(error)

    async def _look_or_tell(self, now_us: int) -> None:
        """Look once; a store that does not answer is told by whoever held the watch last."""
        try:
            await self.look(now_us)
        except (StoreUnavailable, OSError) as error:
            self._failed(error)
            if self._held_last:
                self._say(await self._outage.seen(now_us, is_down=True))
            return
        if not self._outage.is_over:
            self._say(await self._outage.seen(now_us, is_down=False))

    def _failed(self, error: Exception) -> None:
        self.looks["failed"] += 1
        log.error("alerts_not_looked_at", exc_info=error, extra={"facts": {"kind": type(error).__name__}})

    async def look(self, now_us: int) -> None:
        """Look once. Raises StoreUnavailable."""
        settings = self._settings()
        if not settings.enabled:
            self.firing = {}
            return
        figures = await self._node.figures(now_us)
        if not await self._take(now_us):
            self.looks["other"] += 1
            self.firing = {}
            await self._report(figures, now_us)
            return
        self.looks["held"] += 1
        await self._prepare()
        others = await self._reports.since(now_us - NODE_SILENT_US)
        self.nodes = [figures, *_readable(each for each in others if each.node != self._node.process)]
        known = await self._store.known(now_us)
        found = [await self._found(rule, settings, now_us) for rule in self.rules]
        seen = look(
            known,
            found,
            settings,
            now_us,
            gateway=self._gateway,
            environment=self._environment,
            is_muted=self._outage.is_firing,
        )
        outcome, memory = seen.outcome, self._memory_now()
        if memory is not None or not outcome.is_nothing:
            if not await self._store.keep(self._node.process, now_us, outcome, memory):
                self._held_until_us = 0
                return
            self._memory = memory or self._memory
        self.firing = firing_by_rule(seen.states)
        self._say(seen.messages)
        if outcome.deliveries:
            self._has_news.set()

    async def _take(self, now_us: int) -> bool:
        if self._held_until_us - now_us > LEASE_US // 2:
            return True
        is_new = self._held_until_us < now_us
        if is_new and await self._store.is_held(self._node.process, now_us):
            self._held_last = False
            return False
        memory = await self._store.take(self._node.process, now_us, now_us + LEASE_US)
        self._held_last = memory is not None
        self._held_until_us = now_us + LEASE_US if memory is not None else 0
        if memory is not None and is_new:
            self._remember(memory)
        return memory is not None

    def _remember(self, memory: str) -> None:
        self._memory, self._next_look_us = memory, {}
        found = orjson.loads(memory)
        for name, rule in self.remembering.items():
            rule.remember(found.get(name))

    def _memory_now(self) -> str | None:
        """Return what the next node needs to know, where that is another than before."""
        memory = orjson.dumps({name: rule.memory for name, rule in self.remembering.items()}).decode()
        return None if memory == self._memory else memory

    async def _found(self, rule: Rule, settings: Alerts, now_us: int) -> Found:
        kind = rule.kind
        if not settings.rules.of(kind.name).enabled:
            return Found(kind, None, is_enabled=False)
        if now_us < self._next_look_us.get(kind.name, 0):
            return Found(kind, None)
        try:
            conditions = await rule.conditions(now_us)
        except Exception as error:  # one rule that fails is no reason to leave the others alone
            log.error("alert_rule_failed", exc_info=error, extra={"facts": {"rule": kind.name, "kind": type(error).__name__}})
            return Found(kind, None)
        # What was found is looked at closely: it may be over.
        every_s = min(kind.every_s, 60.0) if conditions or kind.name in self.firing else kind.every_s
        self._next_look_us[kind.name] = now_us + int((every_s - EVERY_S / 2) * 1_000_000)
        return Found(kind, conditions)

    async def _report(self, figures: NodeFigures, now_us: int) -> None:
        at_us, said = self._reported
        if figures == said and now_us - at_us < NODE_REPORTS_US:
            return
        await self._reports.put(NodeReport(self._node.process, now_us, figures.to_json()))
        self._reported = (now_us, figures)

    async def _deliver(self) -> None:
        """Bring messages to their sinks beside the looks, which a slow sink must not hold up."""
        while True:
            with anyio.move_on_after(EVERY_S):
                await self._has_news.wait()
            self._has_news = anyio.Event()
            if self.holds:
                try:
                    await self._beat(self._clock_us())
                    await self._deliveries.deliver_due()
                except Exception as error:  # as with looks
                    log.error("alerts_not_delivered", exc_info=error, extra={"facts": {"kind": type(error).__name__}})

    async def release(self) -> None:
        """Let the next node look at once, where this one does."""
        if self.holds:
            try:
                await self._store.release(self._node.process)
            except (StoreUnavailable, OSError):
                return  # It ends by itself.

    def _say(self, messages: Sequence[AlertMessage]) -> None:
        for each in messages:
            facts = {"rule": each.rule, "severity": each.severity, "firing": each.firing, "resolved": each.resolved}
            event = "alert_firing" if each.state == "firing" else "alert_resolved"
            log.warning(event, extra={"facts": facts | {"alerts": list(each.lines)}})


def _readable(reports: Iterable[NodeReport]) -> Iterator[NodeFigures]:
    """Yield what nodes said that this release understands: while it is rolled out, there are others."""
    for each in reports:
        with suppress(KeyError, TypeError, ValueError):
            yield NodeFigures.from_json(each.figures)
