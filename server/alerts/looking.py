"""One look: what each rule finds becomes states, and what is news a message for each sink; no clock, no store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from server.alerts.delivery import takes
from server.alerts.groups import Told, decide
from server.alerts.message import AlertMessage, message_of
from server.alerts.rule import Condition, RuleKind
from server.alerts.rules.store_down import StoreDown
from server.alerts.states import advance, by_rule, off
from server.config_versions.sections.alerts import Alerts
from server.storage.alerts.records import AlertDelivery, AlertGroup, AlertState, Known, Outcome

MUTES = StoreDown.kind.name


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule found; `conditions` None: nobody knows, and states stay as they are."""

    kind: RuleKind
    conditions: Sequence[Condition] | None
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """What a look comes to: what is kept, what the log says, and the states as they are then."""

    outcome: Outcome
    messages: Sequence[AlertMessage]
    states: Sequence[AlertState] = field(default_factory=list)


def look(
    known: Known,
    found: Sequence[Found],
    settings: Alerts,
    now_us: int,
    *,
    gateway: str,
    environment: str,
    is_muted: bool = False,
    new_id: Callable[[], str] = lambda: uuid4().hex,
) -> Look:
    """Return what follows from what rules found, given what was known; `is_muted`: as if a store were down."""
    before, groups = by_rule(known.states), {each.rule: each for each in known.groups}
    states: dict[str, Sequence[AlertState]] = dict(before)
    changed: list[AlertState] = []
    forgotten: list[tuple[str, str]] = []
    for each in found:
        name = each.kind.name
        if each.is_enabled and each.conditions is None:
            continue
        was = before.get(name, [])
        advanced = advance(each.kind, was, each.conditions or (), now_us) if each.is_enabled else off(was, now_us)
        states[name] = advanced.states
        changed += advanced.changed
        forgotten += [(name, mark) for mark in advanced.forgotten]
    is_down = is_muted or any(each.state == "firing" for each in states.get(MUTES, ()))
    new_groups: list[AlertGroup] = []
    messages: list[AlertMessage] = []
    for each in found:
        name = each.kind.name
        group = groups.get(name, AlertGroup(name))
        new_group, told = _decide(each.kind, group, states.get(name, ()), known, now_us, is_muted=is_down and name != MUTES)
        if new_group != group:
            new_groups.append(new_group)
        if told is not None:
            messages.append(message_of(each.kind, told, now_us, gateway=gateway, environment=environment))
    deliveries = [
        AlertDelivery(new_id(), sink.name, message.rule, message.to_json(), now_us, now_us)
        for message in messages
        for sink in settings.sinks
        if takes(sink, message.rule, message.severity)
    ]
    outcome = Outcome(changed, new_groups, deliveries, forgotten)
    return Look(outcome, messages, [each for ones in states.values() for each in ones])


def _decide(
    kind: RuleKind, group: AlertGroup, states: Sequence[AlertState], known: Known, now_us: int, *, is_muted: bool
) -> tuple[AlertGroup, Told | None]:
    return decide(group, states, known.silences, now_us, tells_end=kind.tells_end, is_muted=is_muted)


def firing_by_rule(states: Sequence[AlertState]) -> Mapping[str, int]:
    """Return how many alerts of each rule fire."""
    counts: dict[str, int] = {}
    for each in states:
        if each.state == "firing":
            counts[each.rule] = counts.get(each.rule, 0) + 1
    return counts
