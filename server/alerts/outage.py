"""A store that is down is told without it: by the node that held the watch, from memory, as any other rule."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from server.alerts.delivery import Deliveries, takes
from server.alerts.errors import DeliveryFailed, TryAgain
from server.alerts.looking import Found as FoundByRule
from server.alerts.looking import Look, look
from server.alerts.message import AlertMessage
from server.alerts.rule import Condition
from server.alerts.rules.store_down import StoreDown
from server.config_versions.sections.alerts import Alerts, AlertSink
from server.storage.alerts.records import AlertGroup, AlertState, Known
from server.storage.database import StoreUnavailable

#: of each message; a look at each quarter of a minute
MAX_TRIES = 20
DOWN = Condition("store: it does not answer", {"store": "store"})

log = logging.getLogger("ascend.alerts")


@dataclass(slots=True)
class _OnItsWay:
    delivery_id: str
    sink: AlertSink
    message: AlertMessage
    tries: int = 0


class Outage:
    def __init__(self, deliveries: Deliveries, settings: Callable[[], Alerts], *, gateway: str, environment: str) -> None:
        self._deliveries, self._settings = deliveries, settings
        self._gateway, self._environment = gateway, environment
        self._states: Sequence[AlertState] = ()
        self._group = AlertGroup(StoreDown.kind.name)
        self._waiting: list[_OnItsWay] = []

    @property
    def is_over(self) -> bool:
        """Say whether there is nothing left to tell."""
        return not self._waiting and all(each.state == "resolved" for each in self._states) and self._group.waits_from_us is None

    @property
    def is_firing(self) -> bool:
        return any(each.state == "firing" for each in self._states)

    async def seen(self, now_us: int, *, is_down: bool) -> Sequence[AlertMessage]:
        """Take in whether the store answers, and tell what is due; return what is told now for the first time."""
        settings = self._settings()
        found = FoundByRule(StoreDown.kind, [DOWN] if is_down else [], settings.rules.store_down.enabled)
        seen: Look = look(
            Known(self._states, [self._group], ()), [found], settings, now_us, gateway=self._gateway, environment=self._environment
        )
        self._states = seen.states
        for group in seen.outcome.groups:
            self._group = group
        for message in seen.messages:
            self._waiting += [
                _OnItsWay(uuid4().hex, sink, message) for sink in settings.sinks if takes(sink, message.rule, message.severity)
            ]
        await self._tell()
        return seen.messages

    async def _tell(self) -> None:
        still: list[_OnItsWay] = []
        for each in self._waiting:
            each.tries += 1
            try:
                await self._deliveries.send(each.sink, each.delivery_id, each.message)
            except (DeliveryFailed, StoreUnavailable) as error:
                # A secret that was never lent cannot be had while the store is away.
                may_help = isinstance(error, TryAgain) and each.tries < MAX_TRIES
                facts = {"sink": each.sink.name, "rule": each.message.rule, "why": str(error), "tries": each.tries}
                log.warning("alert_not_delivered" if may_help else "alert_given_up", extra={"facts": facts})
                still += [each] if may_help else []
        self._waiting = still
