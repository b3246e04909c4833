"""Nodes that look at one store, with a clock that is set and sinks that remember."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.alerts.delivery import Deliveries
from server.alerts.message import AlertMessage
from server.alerts.node_figures import NodeSources, NodeWatch
from server.alerts.outage import Outage
from server.alerts.rule import Condition, Rule, RuleKind
from server.alerts.watch import Watch
from server.config_versions.sections.alerts import Alerts, AlertSink, SlackSink
from server.observability.call_overhead import OVERHEAD_MS
from server.storage.alerts.stores import AlertStores

NOON_US, SECOND_US = 1_795_860_000_000_000, 1_000_000
OPS = SlackSink(name="ops", kind="slack", url="vault:slack")
DISK = RuleKind("disk", "critical", "make room", every_s=15.0)


@dataclass
class Clock:
    now_us: int = NOON_US

    def __call__(self) -> int:
        return self.now_us

    def pass_s(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND_US)


@dataclass
class Remembering:
    """Stands for all sinks. `fails`: what to raise at the next tries."""

    #: (delivery id, sink, message)
    taken: list[tuple[str, str, AlertMessage]] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    async def open(self, sink: AlertSink) -> "_OpenedSink":
        return _OpenedSink(self, sink.name)

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return [(sink, message.rule, message.state) for _, sink, message in self.taken]


@dataclass
class _OpenedSink:
    sinks: Remembering
    name: str

    async def send(self, delivery_id: str, message: AlertMessage) -> None:
        if self.sinks.fails:
            raise self.sinks.fails.pop(0)
        self.sinks.taken.append((delivery_id, self.name, message))


@dataclass
class Found:
    """A rule that finds what it is told to."""

    kind: RuleKind = DISK
    found: Sequence[Condition] | Exception = ()

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@dataclass
class Node:
    watch: Watch
    deliveries: Deliveries
    outage: Outage

    async def step(self) -> None:
        """Look and deliver, as the loop does each 15 seconds."""
        await self.watch.look_safely()
        if self.watch.holds:
            await self.deliveries.deliver_due()


def node(
    stores: AlertStores,
    clock: Clock,
    sinks: Remembering,
    *rules: Rule,
    name: str = "a",
    settings: Callable[[], Alerts] = lambda: Alerts(sinks=(OPS,)),
    states: Any = None,
) -> Node:
    """Return a node; `states`: what it takes for the store of states."""

    async def nothing(*_given: object) -> None:
        return None

    sources = NodeSources(f"{name}-1", name, Path("/"), lambda: 0.0, lambda: [0] * (len(OVERHEAD_MS) + 1), lambda: (0.0, 0.0))
    deliveries = Deliveries(stores.outbox, sinks, settings, clock_us=clock, jitter=lambda: 1.0)  # type: ignore[arg-type]
    outage = Outage(deliveries, settings, gateway="https://gateway.example", environment="test")
    watch = Watch(
        states or stores.states,
        stores.nodes,
        NodeWatch(sources),
        deliveries,
        settings,
        outage,
        gateway="https://gateway.example",
        environment="test",
        prepare=nothing,
        beat=nothing,
        clock_us=clock,
    )
    watch.rules = rules
    return Node(watch, deliveries, outage)
