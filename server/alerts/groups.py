"""When a rule's alerts are told: one message for all of them, with Alertmanager's timings.

A first message waits for 30 s for company, the next comes 5 minutes after the last at the earliest, one that says nothing new after 4 h.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.storage.alerts.records import AlertGroup, AlertState, Silence

GROUP_WAIT_US, GROUP_INTERVAL_US, REPEAT_US = 30 * 1_000_000, 300 * 1_000_000, 4 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says: alerts that fire, and those that are over since the last one."""

    firing: Sequence[AlertState]
    resolved: Sequence[AlertState]


def decide(
    group: AlertGroup, states: Sequence[AlertState], silences: Sequence[Silence], now_us: int, *, tells_end: bool, is_muted: bool
) -> tuple[AlertGroup, Told | None]:
    """Return what is on record of the group from now on, and what to tell now; None: nothing."""
    heard = [each for each in states if not any(silence.matches(each.rule, each.labels) for silence in silences)]
    firing = [each for each in heard if each.state == "firing"]
    resolved = [each for each in heard if each.state == "resolved" and each.mark in group.told_firing] if tells_end else []
    if is_muted or not _is_news(group, firing, resolved, now_us):
        return replace(group, waits_from_us=None), None
    # While another alert comes or goes, nobody waits any longer.
    waits_from_us = group.waits_from_us if group.waits_from_us is not None else now_us
    due_us = waits_from_us + GROUP_WAIT_US
    if group.told_at_us is not None:
        due_us = max(due_us, group.told_at_us + GROUP_INTERVAL_US)
    if now_us < due_us:
        return replace(group, waits_from_us=waits_from_us), None
    # What is silenced now was told, and is not told anew when the silence ends, but as any other that goes on.
    told_before = {each.mark for each in states if each.state == "firing"} & group.told_firing
    told_firing = frozenset({each.mark for each in firing} | told_before)
    return AlertGroup(group.rule, now_us, told_firing, frozenset(each.mark for each in resolved)), Told(firing, resolved)


def _is_news(group: AlertGroup, firing: Sequence[AlertState], resolved: Sequence[AlertState], now_us: int) -> bool:
    if any(each.mark not in group.told_firing for each in firing):
        return True
    if resolved:
        return True
    return bool(firing) and group.told_at_us is not None and now_us - group.told_at_us >= REPEAT_US


def why_untold(state: AlertState, group: AlertGroup, silences: Sequence[Silence], now_us: int, *, tells_end: bool, is_muted: bool) -> str:
    """Return why nobody was told of an alert as it is; "": it was told, or there is nothing to tell."""
    if state.state == "pending":
        return "it has not held for long enough"
    if state.state == "firing" and state.mark in group.told_firing:
        return ""
    if state.state == "resolved" and (state.mark not in group.told_firing or not tells_end):
        return ""
    silence = next((each for each in silences if each.matches(state.rule, state.labels)), None)
    if silence is not None:
        return f"silence {silence.silence_id} of {silence.by}: {silence.why}"
    if is_muted:
        return "store-down mutes the rest"
    if group.told_at_us is not None and now_us < group.told_at_us + GROUP_INTERVAL_US:
        return "the last message of this rule is less than 5 minutes old"
    return "it waits for half a minute for others of its rule"
