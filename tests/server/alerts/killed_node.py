"""A node that dies: `python -m tests.server.alerts.killed_node STATE_URL HISTORY_URL WEBHOOK_URL`.

A child looks at an alert that is due and delivers, and is killed (SIGKILL) one step later than the one before it: before each commit,
and when its message is on the wire. Ends when one lives through it. Prints what each child was to tell.
"""

import os
import signal
import sys
from itertools import count
from typing import NoReturn

import anyio
from sqlalchemy import event
from sqlalchemy.engine import Engine

from server.alerts.delivery import CLAIMED_US, Deliveries
from server.alerts.rule import Condition
from server.alerts.sinks.opened import Sinks
from server.config_versions.sections.alerts import Alerts, WebhookSink
from server.storage.alerts.stores import AlertStores, alert_stores
from server.storage.database import Database
from tests.server.alerts.nodes import NOON_US, SECOND_US, Clock, Found, Remembering, node
from tests.server.alerts.stand_ins import WEBHOOK_SECRET
from tools.egress.client import Egress, OutboundRequest, OutboundResponse

HOUR_US = 3_600 * SECOND_US
#: not empty: the alert is to be told now
_DUE: list[str] = []


def main(state_url: str, history_url: str, webhook_url: str) -> None:
    for round_ in count():
        child = os.fork()
        if child == 0:
            _die_at(round_, state_url, history_url, webhook_url)
        _, status = os.waitpid(child, 0)
        # Another node comes when the watch and the message of the dead one are free again.
        anyio.run(_work, state_url, history_url, webhook_url, round_, "next", 2 * CLAIMED_US)
        sys.stdout.write(f"round {round_}\n")
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            return


def _die_at(round_: int, state_url: str, history_url: str, webhook_url: str) -> NoReturn:
    steps = count()

    def reached(*_given: object) -> None:
        if _DUE and next(steps) == round_:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", reached)
    send = Egress.send

    async def reached_when_sent(self: Egress, request: OutboundRequest) -> OutboundResponse:
        answer = await send(self, request)
        reached()
        return answer

    Egress.send = reached_when_sent  # type: ignore[method-assign]
    anyio.run(_work, state_url, history_url, webhook_url, round_, "first", 0)
    os._exit(0)


async def _work(state_url: str, history_url: str, webhook_url: str, round_: int, name: str, later_us: int) -> None:
    """Look at an alert of this round until it is told, and deliver."""
    state, history = Database(state_url), Database(history_url)
    stores = alert_stores(state, history)
    clock = Clock(NOON_US + round_ * HOUR_US + later_us)
    sink = WebhookSink(name="pager", kind="webhook", url=webhook_url, secret=WEBHOOK_SECRET)
    found = Found(found=[Condition(f"round {round_}", {"round": str(round_)})])
    async with Egress(("127.0.0.1:*",)) as egress:
        looking = node(stores, clock, Remembering(), found, name=name, settings=lambda: Alerts(sinks=(sink,)))
        deliveries = _deliveries(stores, egress, clock, Alerts(sinks=(sink,)))
        await looking.watch.look_safely()
        clock.pass_s(30)
        _DUE.append(name)
        await looking.watch.look_safely()
        await deliveries.deliver_due()
    await history.close()
    await state.close()


def _deliveries(stores: AlertStores, egress: Egress, clock: Clock, settings: Alerts) -> Deliveries:
    async def nowhere(name: str) -> str:
        raise AssertionError(name)

    return Deliveries(stores.outbox, Sinks(egress, nowhere), lambda: settings, clock_us=clock)


if __name__ == "__main__":
    main(*sys.argv[1:])
