"""What is told: one message a rule, in plain words, which each sink spells its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from server.alerts.groups import Told
from server.alerts.rule import RuleKind, Severity
from server.storage.alerts.records import AlertState

#: alerts that a message names; of more it says how many there are
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """One alert of a message; times are RFC 3339 in UTC."""

    state: Literal["firing", "resolved"]
    summary: str
    labels: Mapping[str, str]
    since: str


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """`state` firing: at least one alert holds. `gateway`: whose it is, by its URL. No text has a line break or a secret."""

    rule: str
    severity: Severity
    state: Literal["firing", "resolved", "test"]
    at: str
    gateway: str
    environment: str
    hint: str
    firing: int
    resolved: int
    alerts: Sequence[ToldAlert]

    @property
    def title(self) -> str:
        """In one line."""
        where = f"{self.environment} {self.gateway}".strip()
        if self.state == "test":
            return f"[TEST] Ascend Gateway can reach you ({where})"
        if self.state == "resolved":
            return f"[RESOLVED] {self.rule} ({where})"
        several = f" ×{self.firing}" if self.firing > 1 else ""
        return f"[{self.severity.upper()}] {self.rule}{several} ({where})"

    @property
    def lines(self) -> Sequence[str]:
        """One for each alert, and how many more there are."""
        found = [
            f"{'✓' if each.state == 'resolved' else '•'} {each.summary}{_labels(each.labels)} since {each.since}" for each in self.alerts
        ]
        more = self.firing + self.resolved - len(self.alerts)
        return [*found, f"… and {more} more"] if more > 0 else found

    def to_json(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "AlertMessage":
        found = orjson.loads(text)
        return cls(**found | {"alerts": tuple(ToldAlert(**each) for each in found["alerts"])})


def message_of(kind: RuleKind, told: Told, now_us: int, *, gateway: str, environment: str) -> AlertMessage:
    alerts = [_told(each) for each in (*told.firing, *told.resolved)]
    return AlertMessage(
        rule=kind.name,
        severity=kind.severity,
        state="firing" if told.firing else "resolved",
        at=_time(now_us),
        gateway=gateway,
        environment=environment,
        hint=kind.hint,
        firing=len(told.firing),
        resolved=len(told.resolved),
        alerts=alerts[:MOST_TOLD],
    )


def trial_message(now_us: int, *, gateway: str, environment: str) -> AlertMessage:
    """Return what `ascend alert test` sends."""
    hint = "nothing is wrong: somebody tried whether alerts arrive here"
    return AlertMessage("test", "warning", "test", _time(now_us), gateway, environment, hint, 0, 0, ())


def _told(state: AlertState) -> ToldAlert:
    is_over = state.state == "resolved"
    since_us = state.resolved_at_us if is_over else state.fired_at_us
    return ToldAlert("resolved" if is_over else "firing", state.summary, state.labels, _time(since_us or state.began_at_us))


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _labels(labels: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{name}={value}' for name, value in labels.items())})" if labels else ""
