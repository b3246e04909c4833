"""What each rule finds, and where it finds nothing yet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from oauth.connections.connection import Connection
from server.alerts.node_figures import NodeFigures
from server.alerts.rule import DAY_US, HOUR_US, MINUTE_US, Rule
from server.alerts.rules.backup_old import BackupOld
from server.alerts.rules.budget import Budget
from server.alerts.rules.calls_dropped import CallsDropped
from server.alerts.rules.dependency_down import DependencyDown
from server.alerts.rules.disk import Disk
from server.alerts.rules.drill_failed import DrillFailed
from server.alerts.rules.ending import Ending, EndingSoon
from server.alerts.rules.error_rate import ErrorRate
from server.alerts.rules.fallback import Fallback
from server.alerts.rules.job_late import JobLate, LateJob
from server.alerts.rules.overhead import Overhead
from server.alerts.rules.refresh_failing import RefreshFailing
from server.alerts.rules.rotation import Rotation
from server.alerts.rules.sink_behind import SinkBehind
from server.alerts.rules.store_down import StoreDown
from server.config_versions.sections.alerts import ErrorRateSettings, FallbackSettings, OverheadSettings
from server.storage.history.sink_cursors import SinkCursor
from server.storage.oauth.secret_ages import SecretAge
from tools.metering.spending import Amount, Charge
from tools.metering.stores import Counter

NOON_US = 1_795_860_000_000_000
WELL = NodeFigures("a", overhead=(90, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), disk_free_percent=50.0)


async def said(rule: Rule, now_us: int = NOON_US) -> list[str]:
    return [each.summary for each in await rule.conditions(now_us)]


@pytest.mark.parametrize(
    ("make", "ill", "summary"),
    [
        (CallsDropped, replace(WELL, dropped=1_234), "1,234 call records lost within 15 minutes"),
        (lambda nodes: Disk(nodes, lambda: 10.0), replace(WELL, disk_free_percent=9.9), "9.9 % of the disk is free"),
        (DependencyDown, replace(WELL, down={"changes": "no changes read for 40 s"}), "changes: no changes read for 40 s"),
        (StoreDown, replace(WELL, down={"history": "no answer within 2 s"}), "history: no answer within 2 s"),
        (
            lambda nodes: Overhead(nodes, OverheadSettings),
            replace(WELL, overhead=(900, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0)),
            "p99 of 1,000 calls within 15 minutes is 24 ms",
        ),
        (
            lambda nodes: Fallback(nodes, FallbackSettings),
            replace(WELL, model_calls=200, fallbacks=11),
            "6 % of 200 model calls within 15 minutes were answered by a fallback",
        ),
    ],
)
async def test_what_a_node_says_of_itself_is_found(
    make: Callable[[Callable[[], Sequence[NodeFigures]]], Rule], ill: NodeFigures, summary: str
) -> None:
    nodes = [WELL]
    rule = make(lambda: nodes)
    assert await said(rule) == []
    nodes.append(replace(ill, node="b"))
    assert await said(rule) == [summary]


async def test_a_store_that_is_down_is_no_other_rules_affair() -> None:
    assert await said(DependencyDown(lambda: [replace(WELL, down={"history": "no answer"})])) == []


async def test_few_calls_have_no_rate() -> None:
    """Three of twelve are nobody's night."""
    few = replace(WELL, overhead=(50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 49, 0), model_calls=12, fallbacks=3)
    assert await said(Overhead(lambda: [few], OverheadSettings)) == []
    assert await said(Fallback(lambda: [few], FallbackSettings)) == []


async def test_fallbacks_are_told_anew_at_the_next_threshold() -> None:
    labels = []
    for fallbacks in (5, 10):
        nodes = [replace(WELL, model_calls=100, fallbacks=fallbacks)]
        labels += [each.labels for each in await Fallback(nodes.copy, FallbackSettings).conditions(NOON_US)]
    assert labels == [{"threshold": "5 %"}, {"threshold": "10 %"}]


class Sums:
    def __init__(self) -> None:
        self.hours: dict[int, tuple[int, int]] = {}

    async def calls_by_hour(self, since_hour: int) -> dict[int, tuple[int, int]]:
        return {hour: counts for hour, counts in self.hours.items() if hour >= since_hour}


async def test_the_error_rate_is_that_of_the_last_fifteen_minutes_over_the_turn_of_an_hour() -> None:
    sums, at_us = Sums(), NOON_US // HOUR_US * HOUR_US + 50 * MINUTE_US
    rule, hour = ErrorRate(sums, ErrorRateSettings), at_us // HOUR_US
    sums.hours = {hour - 1: (9_999, 9_999), hour: (100_000, 50_000)}
    assert await said(rule, at_us) == []  # What was before the first look is nobody's rate.
    sums.hours[hour] = (100_200, 50_000)
    assert await said(rule, at_us + 5 * MINUTE_US) == []
    sums.hours[hour + 1] = (100, 6)
    assert await said(rule, at_us + 11 * MINUTE_US) == ["2.0 % of 300 calls failed within 15 minutes"]
    # The 200 are older than fifteen minutes now.
    assert await said(rule, at_us + 21 * MINUTE_US) == ["6.0 % of 100 calls failed within 15 minutes"]
    sums.hours[hour + 1] = (200, 8)
    assert await said(rule, at_us + 22 * MINUTE_US) == ["4.0 % of 200 calls failed within 15 minutes"]
    assert await said(rule, at_us + 40 * MINUTE_US) == []


async def test_a_rate_at_the_threshold_is_no_alert_and_one_above_is() -> None:
    sums, rule_us = Sums(), NOON_US
    rule, hour = ErrorRate(sums, ErrorRateSettings), NOON_US // HOUR_US
    await said(rule, rule_us)
    sums.hours[hour] = (1_000, 5)
    assert await said(rule, rule_us + MINUTE_US) == []
    sums.hours[hour] = (1_000, 6)
    assert await said(rule, rule_us + 2 * MINUTE_US) == ["0.6 % of 1,000 calls failed within 15 minutes"]


def connection(**values: Any) -> Connection:
    now = NOON_US / 1e6
    known = Connection("acc", "acme", "ada", "hubspot", "work", "1", "Work", "bearer", None, now - 1e6, refresh_due_at=now - 900)
    return replace(known, **({"expires_at": now - 60, "fail_count": 3} | values))


async def test_tokens_that_are_over_and_cannot_be_renewed_are_found_by_provider() -> None:
    known = [
        connection(),
        connection(account_id="b"),
        connection(state="expired"),
        connection(expires_at=NOON_US / 1e6 + 60),
        connection(refresh_due_at=None),
        connection(fail_count=0),
    ]
    assert await said(RefreshFailing(lambda: known)) == ["2 accounts at hubspot cannot be renewed, and calls with them fail"]


async def test_a_job_is_late_when_one_and_a_half_periods_are_over() -> None:
    late = [LateJob("acme", "token-health", 1_799.0, 3_600.0, "no gateway has taken its slot")]

    async def jobs() -> Sequence[LateJob]:
        return late

    rule = JobLate(jobs, lambda: 1.5)
    assert await said(rule) == []
    late[0] = replace(late[0], late_s=1_860.0)
    assert await said(rule) == ["token-health is 31 min late: no gateway has taken its slot"]


@pytest.mark.parametrize(("made_us", "found"), [(None, []), (NOON_US - 8 * DAY_US, []), (NOON_US - 9 * DAY_US, ["no backup for 9 days"])])
async def test_a_backup_is_missed_after_eight_days_where_anybody_wanted_one(made_us: int | None, found: list[str]) -> None:
    async def newest_us() -> int | None:
        return made_us

    assert await said(BackupOld(newest_us, lambda: 8)) == found


async def test_a_drill_that_failed_is_found_with_its_words() -> None:
    async def failed() -> str | None:
        return "rows of call_records are missing"

    assert await said(DrillFailed(failed)) == ["the last drill failed: rows of call_records are missing"]


CURSOR = SinkCursor("archive", "calls", 0, 0, "", 0, 0, 0, 0, 0, 2, 0, "answered 503", 0)


@pytest.mark.parametrize(
    ("behind_since_us", "found"),
    [
        (0, []),
        (NOON_US - HOUR_US, []),
        (NOON_US - 61 * MINUTE_US, ["calls for archive have waited for 61 min: answered 503"]),
        (NOON_US - 3 * HOUR_US, ["calls for archive have waited for 3 h: answered 503"]),
    ],
)
async def test_a_log_sink_may_be_behind_for_an_hour(behind_since_us: int, found: list[str]) -> None:
    async def cursors() -> Sequence[SinkCursor]:
        return [replace(CURSOR, behind_since_us=behind_since_us)]

    assert await said(SinkBehind(cursors, lambda: 1.0)) == found


async def test_what_ends_within_two_weeks_is_found_and_for_two_weeks_after() -> None:
    async def endings() -> Sequence[Ending]:
        return [Ending("service", f"ci{days}", "acme", NOON_US + days * DAY_US) for days in (-15, -13, 13, 15)]

    day = [datetime.fromtimestamp((NOON_US + days * DAY_US) / 1e6, UTC).strftime("%Y-%m-%d") for days in (-13, 13)]
    assert await said(EndingSoon(endings, lambda: 14)) == [f"service ci-13 ended on {day[0]}", f"service ci13 ends on {day[1]}"]


def counter(spent: float, *alerted: float, tokens: int = 0) -> Counter:
    charge = Charge(budget="team", whose="ada@example.com", window_start_us=0, window_end_us=None, tenant_id="acme")
    told = tuple(Amount(nano_usd=int(each * 1e9)) for each in alerted) + ((Amount(tokens=tokens),) if tokens else ())
    return Counter(charge, Amount(int(spent * 1e9), 5_000), Amount(), told)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (counter(99.0), []),
        (counter(100.0), ["budget team of ada@example.com has spent $100.00, past $100.00"]),
        (counter(320.0), ["budget team of ada@example.com has spent $320.00, past $300.00"]),
        (counter(52.0, 50.0), ["budget team of ada@example.com has spent $52.00, past $50.00"]),
        (counter(1.0, tokens=4_000), ["budget team of ada@example.com has spent 5,000 tokens, past 4,000"]),
    ],
)
async def test_a_budget_is_told_at_its_highest_threshold(known: Counter, found: list[str]) -> None:
    class Counters:
        async def counters(self, now_us: int) -> Sequence[Counter]:
            return [known]

    assert await said(Budget(Counters(), lambda: (100.0, 300.0, 500.0))) == found


async def test_secrets_and_data_keys_of_before_ninety_days_are_found() -> None:
    async def ages() -> Sequence[SecretAge]:
        return [
            SecretAge("secret", "acme", "stripe", NOON_US - 91 * DAY_US),
            SecretAge("secret", "acme", "slack", NOON_US - 90 * DAY_US),
            SecretAge("data key", "", "dek_1", NOON_US - 100 * DAY_US),
        ]

    found = await Rotation(ages, lambda: 90).conditions(NOON_US)
    assert [(each.summary, each.labels["tenant"]) for each in found] == [
        ("data key is 100 days old", "(shared)"),
        ("secret stripe is 91 days old", "acme"),
    ]
