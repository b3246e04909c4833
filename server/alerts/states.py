"""From what holds now to what is an alert: pending, firing, resolved by (rule, labels), as Prometheus does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.alerts.rule import Condition, RuleKind
from server.storage.alerts.records import AlertState, mark_of
from tools.plain_text import visible
from tools.text.secrets_in_text import redact

#: a condition that comes back so soon was never away: what flaps is one alert (Prometheus, keep_firing_for)
KEEP_FIRING_US = 300 * 1_000_000
#: the words of an alert follow its figures, but not at each look
REWORDED_US = 60 * 1_000_000
#: so long the list shows what is over
RESOLVED_KEPT_US = 7 * 24 * 3600 * 1_000_000
#: of one rule; what is beyond is told as a number
MAX_ALERTS = 50
MAX_SUMMARY_CHARS, MAX_LABEL_CHARS = 300, 120


@dataclass(frozen=True, slots=True)
class Advanced:
    """All states of a rule now, and which of them are another than before."""

    states: Sequence[AlertState]
    changed: Sequence[AlertState]
    forgotten: Sequence[str]


def advance(kind: RuleKind, before: Sequence[AlertState], found: Sequence[Condition], now_us: int) -> Advanced:
    """Return the states of a rule after a look that found these conditions."""
    conditions = {mark_of(each.labels): each for each in bounded(found)}
    known = {each.mark: each for each in before}
    states: list[AlertState] = []
    changed: list[AlertState] = []
    forgotten: list[str] = []
    for mark in {**known, **conditions}:
        was, condition = known.get(mark), conditions.get(mark)
        now = _seen(kind, was, condition, now_us) if condition is not None else _unseen(was, now_us)
        if now is None:
            forgotten.append(mark)
            continue
        states.append(now)
        if now != was:
            changed.append(now)
    return Advanced(states, changed, forgotten)


def off(before: Sequence[AlertState], now_us: int) -> Advanced:
    """Return the states of a rule that was switched off: what it said is forgotten, and nobody hears that it was mended."""
    return Advanced([], [], [each.mark for each in before])


def bounded(found: Sequence[Condition]) -> Sequence[Condition]:
    """Return conditions in short, visible texts without secrets, and of too many the first with the number of the rest."""
    kept = [
        Condition(
            _clean(each.summary, MAX_SUMMARY_CHARS),
            {_clean(name, 40): _clean(value, MAX_LABEL_CHARS) for name, value in each.labels.items()},
        )
        for each in found[:MAX_ALERTS]
    ]
    return kept if len(found) <= MAX_ALERTS else [*kept, Condition(f"{len(found) - MAX_ALERTS} more", {"more": "more"})]


def _seen(kind: RuleKind, was: AlertState | None, condition: Condition, now_us: int) -> AlertState:
    if was is None or was.state == "resolved":
        was = AlertState(kind.name, condition.labels, "pending", condition.summary, now_us, now_us)
    now = was if was.gone_at_us is None else replace(was, gone_at_us=None, changed_at_us=now_us)
    if now.state == "pending":
        if was.gone_at_us is not None:
            now = replace(now, began_at_us=now_us)  # It has to hold without a gap.
        if now_us - now.began_at_us >= kind.for_s * 1_000_000:
            now = replace(now, state="firing", fired_at_us=now_us, changed_at_us=now_us)
    if now.summary != condition.summary and (now.changed_at_us == now_us or now_us - now.changed_at_us >= REWORDED_US):
        now = replace(now, summary=condition.summary, changed_at_us=now_us)
    return now


def _unseen(was: AlertState | None, now_us: int) -> AlertState | None:
    assert was is not None
    if was.state == "pending":
        return None
    if was.state == "resolved":
        return was if now_us - (was.resolved_at_us or 0) < RESOLVED_KEPT_US else None
    if was.gone_at_us is None:
        return replace(was, gone_at_us=now_us, changed_at_us=now_us)
    if now_us - was.gone_at_us < KEEP_FIRING_US:
        return was
    return replace(was, state="resolved", resolved_at_us=now_us, changed_at_us=now_us)


def _clean(text: str, most: int) -> str:
    shown = redact(visible(text)).strip()
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def by_rule(states: Sequence[AlertState]) -> Mapping[str, list[AlertState]]:
    found: dict[str, list[AlertState]] = {}
    for each in states:
        found.setdefault(each.rule, []).append(each)
    return found
