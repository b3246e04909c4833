"""When what is told, as time passes: the clock is an argument, so a day takes a moment."""

from collections.abc import Callable, Sequence
from itertools import count

from server.alerts.looking import Found, Look, look
from server.alerts.message import AlertMessage
from server.alerts.rule import Condition, RuleKind
from server.config_versions.sections.alerts import Alerts, RuleSettings, RulesSettings, SlackSink
from server.storage.alerts.records import AlertGroup, AlertState, Known, Silence

DISK = RuleKind("disk", "critical", "make room")
SLOW = RuleKind("overhead", "warning", "look", for_s=300.0)
STORE = RuleKind("store-down", "critical", "look")
ROLE = RuleKind("role-changed", "critical", "look", tells_end=False)
NOON_US, SECOND_US = 1_795_860_000_000_000, 1_000_000
MINUTE_US = 60 * SECOND_US
SINK = SlackSink(name="ops", kind="slack", url="vault:slack")
SETTINGS = Alerts(sinks=(SINK,))
FULL = Condition("4 % is free", {"node": "a"})


class Clockwork:
    """Looks each 15 seconds, and keeps what a store would."""

    def __init__(self, settings: Alerts = SETTINGS) -> None:
        self.settings, self.now_us = settings, NOON_US
        self.states: Sequence[AlertState] = ()
        self.groups: dict[str, AlertGroup] = {}
        self.silences: list[Silence] = []
        #: (seconds since the beginning, message)
        self.told: list[tuple[float, AlertMessage]] = []
        self._ids = count()

    def look(self, *found: Found) -> Look:
        holding = [each for each in self.silences if each.until_us > self.now_us]
        seen = look(
            Known(self.states, list(self.groups.values()), holding),
            found,
            self.settings,
            self.now_us,
            gateway="https://gateway.example",
            environment="production",
            new_id=lambda: f"d{next(self._ids)}",
        )
        self.states = seen.states
        self.groups |= {each.rule: each for each in seen.outcome.groups}
        self.told += [((self.now_us - NOON_US) / SECOND_US, each) for each in seen.messages]
        return seen

    def run(self, seconds: float, kind: RuleKind, holds: Callable[[float], bool | Sequence[Condition]]) -> None:
        """Look each 15 s for so long; `holds` is told the seconds since the beginning."""
        until_us = self.now_us + int(seconds * SECOND_US)
        while self.now_us < until_us:
            found = holds((self.now_us - NOON_US) / SECOND_US)
            conditions = [FULL] if found is True else found or []
            self.look(Found(kind, conditions))
            self.now_us += 15 * SECOND_US

    @property
    def story(self) -> list[tuple[float, str]]:
        return [(at, message.state) for at, message in self.told]


def test_an_alert_is_told_after_half_a_minute_and_then_each_four_hours() -> None:
    """Alertmanager: group_wait 30 s, repeat_interval 4 h (operations contract, "Alerts")."""
    clockwork = Clockwork()
    clockwork.run(24 * 3600, DISK, lambda _at: True)
    assert clockwork.story == [(30.0 + 14_400.0 * times + 30.0 * times, "firing") for times in range(6)]


def test_24_hours_of_what_flaps_each_two_minutes_are_one_alert() -> None:
    """Prometheus, keep_firing_for: what comes back within five minutes was never away."""
    clockwork = Clockwork()
    clockwork.run(24 * 3600, DISK, lambda at: at // 120 % 2 == 0)
    assert clockwork.story == [(30.0 + 14_430.0 * times, "firing") for times in range(6)]


def test_24_hours_of_what_flaps_each_twenty_minutes_tell_each_change_once() -> None:
    """20 minutes on and 20 off are 36 rounds a day, each with its beginning and its end."""
    clockwork = Clockwork()
    clockwork.run(24 * 3600, DISK, lambda at: at // 1200 % 2 == 0)
    assert [state for _, state in clockwork.story] == ["firing", "resolved"] * 36
    gaps = [after - before for (before, _), (after, _) in zip(clockwork.story, clockwork.story[1:], strict=False)]
    assert min(gaps) >= 300


def test_changes_of_a_rule_come_five_minutes_apart() -> None:
    """group_interval: whatever comes meanwhile is in the next message, together."""
    clockwork = Clockwork()
    nodes = [Condition(f"node {place} is full", {"node": f"n{place}"}) for place in range(30)]
    clockwork.run(900, DISK, lambda at: nodes[: 1 + int(at // 30)])
    assert [at for at, _ in clockwork.told] == [30.0, 330.0, 630.0]
    assert [message.firing for _, message in clockwork.told] == [2, 12, 22]


def test_what_has_not_held_for_long_enough_is_pending_and_told_to_nobody() -> None:
    clockwork = Clockwork()
    clockwork.run(3600, SLOW, lambda at: at % 600 < 240)
    assert clockwork.story == []
    clockwork.run(400, SLOW, lambda _at: True)
    assert clockwork.story == [(3600 + 330.0, "firing")]


def test_an_alert_that_nobody_heard_of_ends_unheard() -> None:
    """A message that something is mended, about something that never was told, is noise."""
    clockwork = Clockwork()
    clockwork.run(3600, DISK, lambda at: at == 0)
    assert clockwork.story == [(30.0, "firing"), (345.0, "resolved")]
    quiet = Clockwork()
    quiet.silences = [Silence("sil_1", {"rule": "disk"}, "moving", "ada", NOON_US, NOON_US + 600 * SECOND_US)]
    quiet.run(3600, DISK, lambda at: at < 60)
    assert quiet.story == []


def test_a_silence_keeps_messages_back_and_the_alert_is_told_when_it_ends() -> None:
    clockwork = Clockwork()
    clockwork.silences = [Silence("sil_1", {"rule": "disk", "node": "a"}, "moving", "ada", NOON_US, NOON_US + 7200 * SECOND_US)]
    clockwork.run(10_000, DISK, lambda _at: True)
    assert clockwork.story == [(7230.0, "firing")]
    other = Clockwork()
    other.silences = [Silence("sil_1", {"rule": "disk", "node": "b"}, "moving", "ada", NOON_US, NOON_US + 7200 * SECOND_US)]
    other.run(60, DISK, lambda _at: True)
    assert other.story == [(30.0, "firing")]


def test_a_store_that_is_down_mutes_the_rest_until_it_is_back() -> None:
    """Operations contract, "Alerts": what depends on it fails as well, and would be fifteen messages about one thing."""
    clockwork = Clockwork()
    for step in range(0, 1800, 15):
        is_down = step < 600
        clockwork.look(Found(STORE, [Condition("history: no answer", {"store": "history"})] if is_down else []), Found(DISK, [FULL]))
        clockwork.now_us += 15 * SECOND_US
    assert [(message.rule, message.state) for _, message in clockwork.told] == [
        ("store-down", "firing"),
        ("store-down", "resolved"),
        ("disk", "firing"),
    ]


def test_events_are_told_once_and_their_end_is_no_news() -> None:
    clockwork = Clockwork()
    clockwork.run(7200, ROLE, lambda at: [Condition("ada: admin role bob", {"at": "noon"})] if at < 900 else [])
    assert clockwork.story == [(30.0, "firing")]


def test_a_rule_that_cannot_look_leaves_its_alerts_as_they_are() -> None:
    """A history that does not answer has mended nothing."""
    clockwork = Clockwork()
    clockwork.run(60, DISK, lambda _at: True)
    clockwork.now_us += 3600 * SECOND_US
    clockwork.look(Found(DISK, None))
    assert [each.state for each in clockwork.states] == ["firing"]


def test_a_rule_that_is_switched_off_is_forgotten_without_a_word() -> None:
    clockwork = Clockwork()
    clockwork.run(60, DISK, lambda _at: True)
    clockwork.settings = Alerts(rules=RulesSettings(disk=RuleSettings(enabled=False)), sinks=(SINK,))  # type: ignore[arg-type]
    clockwork.look(Found(DISK, None, is_enabled=False))
    assert [*clockwork.states] == []
    assert clockwork.story == [(30.0, "firing")]


def test_sinks_are_told_of_the_rules_that_they_name() -> None:
    sinks = (
        SlackSink(name="all", kind="slack", url="vault:a"),
        SlackSink(name="disks", kind="slack", url="vault:b", rules=("disk",)),
        SlackSink(name="budgets", kind="slack", url="vault:c", rules=("budget",)),
        SlackSink(name="nights", kind="slack", url="vault:d", severity="critical"),
    )
    clockwork = Clockwork(Alerts(sinks=sinks))
    clockwork.look(Found(DISK, [FULL]), Found(SLOW, [FULL]))
    clockwork.now_us += 400 * SECOND_US
    delivered = clockwork.look(Found(DISK, [FULL]), Found(SLOW, [FULL])).outcome.deliveries
    assert {(each.sink, each.rule) for each in delivered} == {("all", "disk"), ("disks", "disk"), ("nights", "disk")}
    clockwork.now_us += 60 * SECOND_US
    delivered = clockwork.look(Found(DISK, [FULL]), Found(SLOW, [FULL])).outcome.deliveries
    assert {(each.sink, each.rule) for each in delivered} == {("all", "overhead")}


def test_many_alerts_of_a_rule_are_fifty_and_a_number() -> None:
    """What tenants bring about has no bound; what is kept and told has one."""
    clockwork = Clockwork()
    clockwork.look(Found(DISK, [Condition("full", {"node": f"n{place}"}) for place in range(500)]))
    assert len(clockwork.states) == 51
    assert "450 more" in {each.summary for each in clockwork.states}
    clockwork.now_us += 30 * SECOND_US
    (message,) = clockwork.look(Found(DISK, [Condition("full", {"node": f"n{place}"}) for place in range(500)])).messages
    assert (message.firing, len(message.alerts), message.lines[-1]) == (51, 20, "… and 31 more")
