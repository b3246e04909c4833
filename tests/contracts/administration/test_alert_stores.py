"""What is kept of alerts: one watch, decisions with their messages, silences; on both databases."""

from dataclasses import replace

import anyio
import pytest

from server.storage.alerts.outbox import SqlAlertOutbox
from server.storage.alerts.records import AlertDelivery, AlertGroup, AlertState, NodeReport, Outcome, Silence
from server.storage.alerts.states import GAVE_WAY, MAX_WAITING, SqlAlertStore
from server.storage.alerts.stores import alert_stores
from server.storage.database import Database
from tools.errors import QuotaExceeded

NOON_US, SECOND_US = 1_795_860_000_000_000, 1_000_000
FULL = AlertState("disk", {"node": "a"}, "firing", "4 % is free", NOON_US, NOON_US + 5, NOON_US + 2, NOON_US + 3, NOON_US + 4)
GROUP = AlertGroup("disk", NOON_US, frozenset({FULL.mark}), frozenset({"other"}), NOON_US + 1)


def delivery(name: str = "d1", sink: str = "ops", at_us: int = NOON_US) -> AlertDelivery:
    return AlertDelivery(name, sink, "disk", '{"rule":"disk"}', at_us, at_us)


async def test_what_a_look_came_to_is_kept_whole(sql_database: Database) -> None:
    """Every member comes back; what is forgotten is gone."""
    store, outbox = SqlAlertStore(sql_database), SqlAlertOutbox(sql_database)
    assert await store.take("a", NOON_US, NOON_US + 60 * SECOND_US) == "{}"
    assert await store.keep("a", NOON_US, Outcome([FULL], [GROUP], [delivery()]), '{"seen":1}')
    known = await store.known(NOON_US)
    assert (list(known.states), list(known.groups)) == ([FULL], [GROUP])
    assert await outbox.due(NOON_US, 9) == [delivery()]
    assert await store.keep("a", NOON_US, Outcome(forgotten=[("disk", FULL.mark)]))
    assert list((await store.known(NOON_US)).states) == []
    assert await store.take("a", NOON_US + 1, NOON_US + 90 * SECOND_US) == '{"seen":1}'


async def test_one_of_many_nodes_holds_the_watch(sql_database: Database) -> None:
    """Whoever comes first, until its time is over or it lets go."""
    store, taken = SqlAlertStore(sql_database), []

    async def take(node: str) -> None:
        if await store.take(node, NOON_US, NOON_US + 60 * SECOND_US) is not None:
            taken.append(node)

    async with anyio.create_task_group() as group:
        for node in "abcdefgh":
            group.start_soon(take, node)
    (holder,) = taken
    other = "x"
    assert await store.is_held(other, NOON_US)
    assert not await store.is_held(holder, NOON_US)
    assert await store.take(other, NOON_US + 60 * SECOND_US, NOON_US + 120 * SECOND_US) is None
    assert await store.take(other, NOON_US + 61 * SECOND_US, NOON_US + 120 * SECOND_US) is not None
    await store.release(other)
    assert await store.take(holder, NOON_US + 62 * SECOND_US, NOON_US + 130 * SECOND_US) is not None


async def test_a_node_that_slept_through_its_watch_decides_nothing(sql_database: Database) -> None:
    """Decided by a state that another node has moved on from, a message would be a second one."""
    store, outbox = SqlAlertStore(sql_database), SqlAlertOutbox(sql_database)
    await store.take("a", NOON_US, NOON_US + 60 * SECOND_US)
    later_us = NOON_US + 100 * SECOND_US
    await store.take("b", later_us, later_us + 60 * SECOND_US)
    assert not await store.keep("a", later_us, Outcome([FULL], [GROUP], [delivery()]), "{}")
    assert not await store.keep("a", NOON_US, Outcome([FULL], [GROUP], [delivery()]), "{}")
    assert list((await store.known(later_us)).states) == []
    assert await outbox.due(later_us, 9) == []


async def test_a_message_is_tried_by_one_node_at_a_time(sql_database: Database) -> None:
    outbox, claimed = SqlAlertOutbox(sql_database), []
    await outbox.put(delivery())
    (due,) = await outbox.due(NOON_US, 9)

    async def claim() -> None:
        if (found := await outbox.claim(due, NOON_US + 60 * SECOND_US)) is not None:
            claimed.append(found)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(claim)
    (mine,) = claimed
    assert mine.attempts == 1
    assert await outbox.due(NOON_US + 59 * SECOND_US, 9) == []
    assert await outbox.due(NOON_US + 60 * SECOND_US, 9) == [mine]
    assert await outbox.note(mine, "waiting", NOON_US + 90 * SECOND_US, "it answered 503")
    (again,) = await outbox.due(NOON_US + 90 * SECOND_US, 9)
    assert (again.attempts, again.error) == (1, "it answered 503")


async def test_what_a_node_says_after_another_took_the_message_over_does_not_count(sql_database: Database) -> None:
    """It was paused in the middle of its try; the other's word is newer."""
    outbox = SqlAlertOutbox(sql_database)
    await outbox.put(delivery())
    paused = await outbox.claim(delivery(), NOON_US + 60 * SECOND_US)
    assert paused is not None
    (due,) = await outbox.due(NOON_US + 61 * SECOND_US, 9)
    taken = await outbox.claim(due, NOON_US + 120 * SECOND_US)
    assert taken is not None
    assert not await outbox.note(paused, "dead", NOON_US + 62 * SECOND_US, "late")
    assert await outbox.note(taken, "sent", NOON_US + 63 * SECOND_US)
    assert await outbox.recent() == [replace(taken, state="sent", next_at_us=NOON_US + 63 * SECOND_US)]


async def test_a_sink_that_takes_nothing_does_not_fill_the_store(sql_database: Database) -> None:
    store, outbox = SqlAlertStore(sql_database), SqlAlertOutbox(sql_database)
    await store.take("a", NOON_US, NOON_US + 60 * SECOND_US)
    many = [delivery(f"d{place:04}", at_us=NOON_US + place) for place in range(MAX_WAITING + 3)]
    await store.keep("a", NOON_US, Outcome(deliveries=many))
    gone = [each for each in await outbox.recent(MAX_WAITING + 9) if each.state == "dead"]
    assert sorted(each.delivery_id for each in gone) == ["d0000", "d0001", "d0002"]
    assert {each.error for each in gone} == {GAVE_WAY}


async def test_silences_hold_until_they_end_and_are_counted(sql_database: Database) -> None:
    stores = alert_stores(sql_database, sql_database, 0.01)
    first = Silence("sil_1", {"rule": "disk"}, "moving", "ada", NOON_US, NOON_US + 60 * SECOND_US)
    await stores.silences.add(first)
    await stores.silences.add(replace(first, silence_id="sil_2"))
    with pytest.raises(QuotaExceeded):
        await stores.silences.add(replace(first, silence_id="sil_3"))
    assert [each.silence_id for each in (await stores.states.known(NOON_US)).silences] == ["sil_1", "sil_2"]
    assert await stores.silences.end("sil_1", NOON_US + 1)
    assert not await stores.silences.end("sil_1", NOON_US + 2)
    assert list((await stores.states.known(NOON_US + 2)).silences) == [replace(first, silence_id="sil_2")]
    assert list((await stores.states.known(NOON_US + 61 * SECOND_US)).silences) == []


async def test_nodes_say_how_they_are_and_are_forgotten_when_they_are_gone(sql_database: Database) -> None:
    stores = alert_stores(sql_database, sql_database)
    await stores.nodes.put(NodeReport("a", NOON_US, {"dropped": 1}))
    await stores.nodes.put(NodeReport("a", NOON_US + 5, {"dropped": 2}))
    await stores.nodes.put(NodeReport("b", NOON_US - 5, {}))
    assert await stores.nodes.since(NOON_US) == [NodeReport("a", NOON_US + 5, {"dropped": 2})]
    await stores.forget_old(NOON_US + 2 * 3600 * SECOND_US)
    assert await stores.nodes.since(0) == []


async def test_messages_that_have_ended_are_forgotten_and_those_on_their_way_are_not(sql_database: Database) -> None:
    stores = alert_stores(sql_database, sql_database)
    for name in ("sent", "waits"):
        await stores.outbox.put(delivery(name))
    claimed = await stores.outbox.claim(delivery("sent"), NOON_US)
    assert claimed is not None
    await stores.outbox.note(claimed, "sent", NOON_US)
    await stores.forget_old(NOON_US + 91 * 24 * 3600 * SECOND_US)
    assert [each.delivery_id for each in await stores.outbox.recent()] == ["waits"]
