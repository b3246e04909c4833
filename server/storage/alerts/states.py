"""What holds and what was told of it. Tables: alert_states, alert_groups, alert_outbox, alert_watch."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, select, update

from server.storage.alerts.records import AlertDelivery, AlertGroup, AlertState, Known, Outcome
from server.storage.alerts.silences import silence_of
from server.storage.database import Database
from server.storage.insertion import insert_in_thread, insert_once_in_thread, insert_or_replace_in_thread
from server.storage.schema.alert_tables import alert_groups, alert_outbox, alert_states, alert_watch, silences

WATCH = "watch"
#: waiting for one sink; a sink that takes nothing must not fill the store
MAX_WAITING = 500
GAVE_WAY = f"{MAX_WAITING} messages waited for this sink, and older ones gave way"


class SqlAlertStore:
    """States and groups have one writer: whoever holds the watch. A look that lost it in between changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, holder: str, now_us: int, until_us: int) -> str | None:
        """Take the watch, or keep it until `until_us`, and return what it remembers; None: another node holds it."""
        c = alert_watch.c
        mine = (c.name == WATCH, (c.holder == holder) | (c.until < now_us))

        def take(connection: Connection) -> str | None:
            first = {"name": WATCH, "holder": holder, "until": until_us, "memory": "{}"}
            if not insert_once_in_thread(connection, alert_watch, first):
                taken = connection.execute(update(alert_watch).where(*mine).values(holder=holder, until=until_us))
                if taken.rowcount != 1:
                    return None
            return str(connection.execute(select(c.memory).where(c.name == WATCH)).scalar_one())

        return await self._database.transact(take)

    async def is_held(self, holder: str, now_us: int) -> bool:
        """Say whether another node holds the watch; reads only."""
        c = alert_watch.c
        query = select(c.holder).where(c.name == WATCH, c.holder != holder, c.until >= now_us)
        return await self._database.look(lambda connection: connection.execute(query).first()) is not None

    async def last_holder(self) -> tuple[str, int] | None:
        """Return who has the watch, or had it last, and until when; None: nobody has had it, or it was given back."""
        query = select(alert_watch.c.holder, alert_watch.c.until).where(alert_watch.c.name == WATCH, alert_watch.c.until > 0)
        found = await self._database.look(lambda connection: connection.execute(query).first())
        return None if found is None else (str(found.holder), int(found.until))

    async def release(self, holder: str) -> None:
        """Let the next node have the watch at once."""
        c = alert_watch.c
        await self._database.transact(
            lambda connection: connection.execute(update(alert_watch).where(c.name == WATCH, c.holder == holder).values(until=0)).rowcount
        )

    async def known(self, now_us: int) -> Known:
        """Return all that is on record of alerts, and the silences that hold."""

        def look(connection: Connection) -> Known:
            holding = select(silences).where(silences.c.until > now_us).order_by(silences.c.silence_id)
            return Known(
                states=[state_of(row) for row in connection.execute(select(alert_states).order_by(alert_states.c.began_at))],
                groups=[_group(row) for row in connection.execute(select(alert_groups))],
                silences=[silence_of(row) for row in connection.execute(holding)],
            )

        return await self._database.look(look)

    async def keep(self, holder: str, now_us: int, outcome: Outcome, memory: str | None = None) -> bool:
        """Keep what a look came to, messages with the decision to send them, in one transaction; False: the watch was lost.

        `memory`: what the watch remembers from now on; None: as it was.
        """
        w = alert_watch.c

        def keep(connection: Connection) -> bool:
            held = select(w.name).where(w.name == WATCH, w.holder == holder, w.until >= now_us).with_for_update()
            if connection.execute(held).first() is None:
                return False
            if memory is not None:
                connection.execute(update(alert_watch).where(w.name == WATCH).values(memory=memory))
            for state in outcome.states:
                insert_or_replace_in_thread(connection, alert_states, _state_values(state))
            for group in outcome.groups:
                insert_or_replace_in_thread(connection, alert_groups, _group_values(group))
            for rule, mark in outcome.forgotten:
                connection.execute(delete(alert_states).where(alert_states.c.rule == rule, alert_states.c.mark == mark))
            insert_in_thread(connection, alert_outbox, [delivery_values(each) for each in outcome.deliveries])
            for sink in {each.sink for each in outcome.deliveries}:
                _make_room(connection, sink, now_us)
            return True

        return await self._database.transact(keep)


def _make_room(connection: Connection, sink: str, now_us: int) -> None:
    c = alert_outbox.c
    waiting = (c.sink == sink, c.state == "waiting")
    if connection.execute(select(func.count()).select_from(alert_outbox).where(*waiting)).scalar_one() <= MAX_WAITING:
        return
    kept = select(c.delivery_id).where(*waiting).order_by(c.created_at.desc(), c.delivery_id).limit(MAX_WAITING)
    older = update(alert_outbox).where(*waiting, c.delivery_id.not_in(kept))
    connection.execute(older.values(state="dead", next_at=now_us, error=GAVE_WAY))


def delivery_values(delivery: AlertDelivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "sink": delivery.sink,
        "rule": delivery.rule,
        "message": delivery.message,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at_us,
        "next_at": delivery.next_at_us,
        "error": delivery.error,
    }


def _state_values(state: AlertState) -> dict[str, Any]:
    return {
        "rule": state.rule,
        "mark": state.mark,
        "labels": orjson.dumps(dict(state.labels)).decode(),
        "state": state.state,
        "summary": state.summary,
        "began_at": state.began_at_us,
        "fired_at": state.fired_at_us,
        "gone_at": state.gone_at_us,
        "resolved_at": state.resolved_at_us,
        "changed_at": state.changed_at_us,
    }


def state_of(row: Row[Any]) -> AlertState:
    return AlertState(
        rule=row.rule,
        labels=orjson.loads(row.labels),
        state=row.state,
        summary=row.summary,
        began_at_us=row.began_at,
        changed_at_us=row.changed_at,
        fired_at_us=row.fired_at,
        gone_at_us=row.gone_at,
        resolved_at_us=row.resolved_at,
    )


def _group_values(group: AlertGroup) -> dict[str, Any]:
    return {
        "rule": group.rule,
        "told_at": group.told_at_us,
        "told_firing": orjson.dumps(sorted(group.told_firing)).decode(),
        "told_resolved": orjson.dumps(sorted(group.told_resolved)).decode(),
        "waits_from": group.waits_from_us,
    }


def _group(row: Row[Any]) -> AlertGroup:
    return AlertGroup(
        rule=row.rule,
        told_at_us=row.told_at,
        told_firing=frozenset(orjson.loads(row.told_firing)),
        told_resolved=frozenset(orjson.loads(row.told_resolved)),
        waits_from_us=row.waits_from,
    )
