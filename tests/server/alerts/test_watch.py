"""Nodes that look, die, sleep and lose their store, while the clock passes as fast as it can."""

from collections.abc import Sequence

import pytest

from server.alerts.board import AlertBoard
from server.alerts.delivery import BACKOFF_S, MAX_ATTEMPTS
from server.alerts.errors import NotTaken, TryAgain
from server.alerts.message import trial_message
from server.alerts.rule import HOUR_US, Condition
from server.alerts.rules.error_rate import ErrorRate
from server.config_versions.sections.alerts import Alerts, DiskSettings, ErrorRateSettings, RulesSettings, SlackSink
from server.storage.alerts.records import AlertDelivery, NodeReport
from server.storage.alerts.stores import AlertStores
from server.storage.database import StoreUnavailable
from tests.server.alerts.nodes import DISK, NOON_US, OPS, SECOND_US, Clock, Found, Node, Remembering, node

FULL = [Condition("4 % is free", {"node": "a"})]


async def run(clock: Clock, seconds: float, *nodes: Node) -> None:
    for _ in range(int(seconds // 15)):
        for each in nodes:
            await each.step()
        clock.pass_s(15)


async def test_two_nodes_tell_an_alert_once(stores: AlertStores) -> None:
    """One holds the watch; the other says how it is."""
    clock, sinks, disk = Clock(), Remembering(), Found(found=FULL)
    first, second = node(stores, clock, sinks, disk), node(stores, clock, sinks, disk, name="b")
    await run(clock, 600, first, second)
    assert sinks.said == [("ops", "disk", "firing")]
    assert (first.watch.looks["held"], second.watch.looks["held"]) == (40, 0)
    assert [each.node for each in await stores.nodes.since(0)] == ["b-1"]
    assert {each.node for each in first.watch.nodes} == {"a", "b"}


async def test_the_next_node_goes_on_where_one_that_died_stopped(stores: AlertStores) -> None:
    """What was told is on record: the next one tells the end, and nothing twice."""
    clock, sinks, disk = Clock(), Remembering(), Found(found=FULL)
    first, second = node(stores, clock, sinks, disk), node(stores, clock, sinks, disk, name="b")
    await run(clock, 120, first, second)
    disk.found = ()
    await run(clock, 900, second)
    assert sinks.said == [("ops", "disk", "firing"), ("ops", "disk", "resolved")]


async def test_a_node_that_stops_in_order_lets_the_next_one_look_at_once(stores: AlertStores) -> None:
    clock, sinks, disk = Clock(), Remembering(), Found(found=FULL)
    first, second = node(stores, clock, sinks, disk), node(stores, clock, sinks, disk, name="b")
    await run(clock, 15, first, second)
    await first.watch.release()
    await second.step()
    assert second.watch.holds


async def test_what_a_rule_remembers_goes_with_the_watch(stores: AlertStores) -> None:
    """A node that is started anew in the middle of an outage need not wait for fifteen minutes to see it."""
    hour = NOON_US // HOUR_US
    sums = {hour: (1_000, 0)}

    class Sums:
        async def calls_by_hour(self, since_hour: int) -> dict[int, tuple[int, int]]:
            return dict(sums)

    clock, sinks = Clock(), Remembering()
    nodes = []
    for name in "ab":
        rule = ErrorRate(Sums(), ErrorRateSettings)
        made = node(stores, clock, sinks, rule, name=name)
        made.watch.remembering = {"error-rate": rule}
        nodes.append(made)
    await run(clock, 30, nodes[0])
    sums[hour] = (1_200, 20)
    clock.pass_s(120)
    await run(clock, 60, nodes[1])
    assert sinks.said == [("ops", "error-rate", "firing")]
    assert sinks.taken[0][2].alerts[0].summary == "10.0 % of 200 calls failed within 15 minutes"


class Away:
    """A store of states that does not answer while `is_away`."""

    def __init__(self, stores: AlertStores) -> None:
        self._states, self.is_away = stores.states, False

    def __getattr__(self, name: str) -> object:
        if self.is_away:
            raise StoreUnavailable("the store does not answer")
        return getattr(self._states, name)


async def test_a_store_that_is_down_is_told_without_it_by_the_node_that_looked(stores: AlertStores) -> None:
    """Once, not by each node; and that it is back, when it is sure."""
    clock, sinks, away = Clock(), Remembering(), Away(stores)
    first, second = (node(stores, clock, sinks, Found(found=FULL), name=name, states=away) for name in "ab")
    await run(clock, 15, first, second)
    away.is_away = True
    await run(clock, 300, first, second)
    assert sinks.said == [("ops", "store-down", "firing")]
    away.is_away = False
    await run(clock, 600, first, second)
    assert sinks.said == [("ops", "store-down", "firing"), ("ops", "store-down", "resolved"), ("ops", "disk", "firing")]


async def test_a_sink_that_fails_while_the_store_is_down_is_tried_again(stores: AlertStores) -> None:
    clock, sinks, away = Clock(), Remembering(fails=[TryAgain("it answered 503"), TryAgain("it answered 503")]), Away(stores)
    only = node(stores, clock, sinks, states=away)
    await run(clock, 15, only)
    away.is_away = True
    await run(clock, 300, only)
    assert sinks.said == [("ops", "store-down", "firing")]


async def test_a_message_is_tried_ever_later_and_given_up_with_words(stores: AlertStores, caplog: pytest.LogCaptureFixture) -> None:
    """Eleven tries within fifteen hours."""
    clock, sinks = Clock(), Remembering(fails=[TryAgain("it answered 503")] * 99)
    only = node(stores, clock, sinks)
    message = trial_message(clock.now_us, gateway="", environment="").to_json()
    await stores.outbox.put(AlertDelivery("d1", "ops", "disk", message, clock.now_us, clock.now_us))
    waits: list[float] = []
    while await only.deliveries.deliver_due():
        (delivery,) = await stores.outbox.recent()
        waits.append((delivery.next_at_us - clock.now_us) / SECOND_US)
        clock.now_us = delivery.next_at_us
    assert waits == [*BACKOFF_S, 0.0]
    assert (delivery.state, delivery.attempts, delivery.error) == ("dead", MAX_ATTEMPTS, "it answered 503; given up after 11 tries")
    assert [record.message for record in caplog.records] == ["alert_not_delivered"] * 10 + ["alert_given_up"]


async def test_the_board_says_how_the_last_try_to_tell_went(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering(fails=[TryAgain("it answered 503")])
    await run(clock, 45, node(stores, clock, sinks, Found(found=FULL)))
    (alert,) = await AlertBoard(stores, lambda: Alerts(sinks=(OPS,)), clock).alerts()
    assert alert.why_untold == "sink ops: it answered 503"


async def test_the_board_names_each_sink_that_was_not_reached_and_none_that_was(stores: AlertStores) -> None:
    three = Alerts(sinks=tuple(SlackSink(name=name, kind="slack", url="vault:a") for name in ("first", "second", "third")))
    clock, sinks = Clock(), Remembering(fails=[NotTaken("it answered 404"), TryAgain("it answered 503")])
    await run(clock, 45, node(stores, clock, sinks, Found(found=FULL), settings=lambda: three))
    (alert,) = await AlertBoard(stores, lambda: three, clock).alerts()
    ((_, reached, _),) = sinks.taken
    assert "given up, it answered 404" in alert.why_untold
    assert "it answered 503" in alert.why_untold
    assert reached not in alert.why_untold


async def test_what_a_sink_never_takes_is_not_tried_again(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering(fails=[NotTaken("it answered 404")])
    await run(clock, 900, node(stores, clock, sinks, Found(found=FULL)))
    assert sinks.said == []
    (delivery,) = await stores.outbox.recent()
    assert (delivery.state, delivery.attempts, delivery.error) == ("dead", 1, "it answered 404")


async def test_a_sink_is_left_alone_for_as_long_as_it_asks(stores: AlertStores) -> None:
    """Retry-After; an hour at most."""
    clock, sinks = Clock(), Remembering(fails=[TryAgain("it answered 429", after_s=600.0)])
    only = node(stores, clock, sinks, Found(found=FULL))
    await run(clock, 600, only)
    assert sinks.said == []
    await run(clock, 120, only)
    assert sinks.said == [("ops", "disk", "firing")]


async def test_one_sink_that_fails_keeps_nothing_from_the_others(stores: AlertStores) -> None:
    both = Alerts(sinks=(OPS, SlackSink(name="other", kind="slack", url="vault:b")))
    clock, sinks = Clock(), Remembering(fails=[NotTaken("it answered 404")])
    await run(clock, 60, node(stores, clock, sinks, Found(found=FULL), settings=lambda: both))
    assert len(sinks.taken) == 1


async def test_messages_to_a_sink_that_is_not_set_any_more_are_given_up(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering()
    only = node(stores, clock, sinks)
    await stores.outbox.put(AlertDelivery("d1", "gone", "disk", "{}", clock.now_us, clock.now_us))
    await only.step()
    assert [each.error for each in await stores.outbox.recent()] == ["there is no such sink any more"]


async def test_one_rule_that_fails_keeps_no_other_from_looking(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering()
    broken = Found(kind=type(DISK)("budget", "warning", "look"), found=RuntimeError("broken"))
    await run(clock, 60, node(stores, clock, sinks, broken, Found(found=FULL)))
    assert sinks.said == [("ops", "disk", "firing")]


async def test_a_rule_that_is_switched_off_is_not_asked(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering()
    off = Alerts(rules=RulesSettings(disk=DiskSettings(enabled=False)), sinks=(OPS,))
    await run(clock, 60, node(stores, clock, sinks, Found(found=FULL), settings=lambda: off))
    assert sinks.said == []
    assert list((await stores.states.known(clock.now_us)).states) == []


async def test_the_board_says_of_each_alert_who_was_told_or_why_not(stores: AlertStores) -> None:
    """Most who were not paged look for a rule that mutes; here it stands beside the alert."""
    clock, sinks, disk = Clock(), Remembering(), Found(found=FULL)
    only = node(stores, clock, sinks, disk)
    board = AlertBoard(stores, lambda: Alerts(sinks=(OPS,)), clock)

    async def why() -> Sequence[str]:
        return [each.why_untold for each in await board.alerts()]

    await run(clock, 15, only)
    assert await why() == ["it waits for half a minute for others of its rule"]
    await run(clock, 30, only)
    assert await why() == [""]
    disk.found = [*FULL, Condition("2 % is free", {"node": "b"})]
    await run(clock, 15, only)
    assert sorted(await why()) == ["", "the last message of this rule is less than 5 minutes old"]
    silence = await board.silence({"node": "b"}, clock.now_us + 3600 * SECOND_US, "moving", "ada")
    assert sorted(await why()) == ["", f"silence {silence.silence_id} of ada: moving"]
    without = AlertBoard(stores, Alerts, clock)
    assert "no sink is set: the log alone says it" in {each.why_untold for each in await without.alerts()}


class Counting:
    """A store of states that counts what it writes."""

    def __init__(self, stores: AlertStores) -> None:
        self._states, self.writes = stores.states, 0

    def __getattr__(self, name: str) -> object:
        self.writes += name in ("take", "keep")
        return getattr(self._states, name)


async def test_looks_that_find_nothing_write_nothing_but_their_lease(stores: AlertStores) -> None:
    """One write in half a minute."""
    clock, counting = Clock(), Counting(stores)
    await run(clock, 300, node(stores, clock, Remembering(), Found(), states=counting))
    assert counting.writes <= 10
    assert list((await stores.states.known(clock.now_us)).groups) == []


async def test_a_node_that_is_silent_is_gone(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering()
    await stores.nodes.put(NodeReport("old", clock.now_us - 400 * SECOND_US, {}))
    only = node(stores, clock, sinks)
    await only.step()
    assert [each.node for each in only.watch.nodes] == ["a"]


async def test_what_another_release_wrote_ends_neither_looks_nor_deliveries(stores: AlertStores) -> None:
    """While a new one is rolled out, both are at the store."""
    clock, sinks = Clock(), Remembering()
    await stores.nodes.put(NodeReport("next", clock.now_us, {"dropped": "many"}))
    await stores.outbox.put(AlertDelivery("d1", "ops", "disk", '{"version":2}', clock.now_us, clock.now_us))
    await run(clock, 60, node(stores, clock, sinks, Found(found=FULL)))
    assert sinks.said == [("ops", "disk", "firing")]
    errors = {each.delivery_id: each.error for each in await stores.outbox.recent()}
    assert errors["d1"] == "another release wrote it, and this one cannot read it"


async def test_a_fault_of_ours_does_not_end_the_gateway(stores: AlertStores, caplog: pytest.LogCaptureFixture) -> None:
    """What looks runs beside everything else in one group of tasks."""

    class Broken:
        def __getattr__(self, name: str) -> object:
            raise KeyError(name)

    only = node(stores, Clock(), Remembering(), states=Broken())
    await only.watch.look_safely()
    assert only.watch.looks["failed"] == 1
    assert [record.message for record in caplog.records] == ["alerts_not_looked_at"]


async def test_a_sink_that_breaks_in_our_hands_is_tried_again_like_any_other(stores: AlertStores) -> None:
    clock, sinks = Clock(), Remembering(fails=[ValueError("no ASCII")])
    only = node(stores, clock, sinks, Found(found=FULL))
    await run(clock, 45, only)
    assert [each.error for each in await stores.outbox.recent()] == ["a fault on our side (ValueError); the log says more"]
    await run(clock, 30, only)
    assert sinks.said == [("ops", "disk", "firing")]
