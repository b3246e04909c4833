"""The decision log on both stores: one row an hour, person and kind; found again by what was asked; gone when its time is over."""

from functools import partial

from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from server.storage.history.decisions import DecisionFilter, SqlDecisions
from server.storage.history.rollups import HOUR_US
from tests.contracts.history.test_call_history import call

EVERYTHING = DecisionFilter(since_us=0, until_us=2**62)
setup = partial(call, error_class="setup", reason="no connection")


async def test_what_was_not_let_through_is_one_row_an_hour_person_and_kind(history_database: Database) -> None:
    """However often it is tried; what failed otherwise is no decision."""
    calls, decisions = SqlCallHistory(history_database), SqlDecisions(history_database)
    begin = 50 * HOUR_US
    await calls.append_calls([setup(code="needs_connection", at_us=begin + n, trace_id=f"{n:032}") for n in range(40)])
    await calls.append_calls(
        [setup(code="needs_connection", at_us=begin + 99), call(code="upstream_error", at_us=begin), call(at_us=begin)]
    )
    await calls.append_calls([setup(code="insufficient_scope", at_us=begin + 5, subject="grace")])
    await calls.append_calls([setup(code="needs_connection", at_us=begin + HOUR_US)])
    later, first, other = await decisions.decisions(EVERYTHING, 9)
    assert (later.count, later.first_at) == (1, begin + HOUR_US)
    assert (first.count, first.first_at, first.last_at, first.reason, first.subject) == (41, begin, begin + 99, "no connection", "ada")
    assert (other.decision, other.subject, other.count) == ("insufficient_scope", "grace", 1)
    assert await decisions.decision(first.decision_id) == first
    assert await decisions.decision("nothing") is None


async def test_decisions_are_narrowed_and_paged(history_database: Database) -> None:
    calls, decisions = SqlCallHistory(history_database), SqlDecisions(history_database)
    await calls.append_calls([setup(f"crm.o{n}", code="needs_connection", at_us=HOUR_US) for n in range(7)])
    await calls.append_calls([setup("secret", code="needs_connection", at_us=HOUR_US, tenant_id="globex")])
    seen: list[str] = []
    after = None
    while page := await decisions.decisions(DecisionFilter(0, 2 * HOUR_US, tenant_id="acme"), 3, after):
        seen += [each.operation for each in page]
        after = (page[-1].last_at, page[-1].decision_id)
    assert sorted(seen) == [f"crm.o{n}" for n in range(7)]
    assert [each.operation for each in await decisions.decisions(DecisionFilter(0, 2 * HOUR_US, operation="crm.o3"), 9)] == ["crm.o3"]
    assert await decisions.decisions(DecisionFilter(0, HOUR_US), 9) == []
    assert await decisions.decisions(DecisionFilter(0, 2 * HOUR_US, decision="busy"), 9) == []


async def test_decisions_go_when_their_time_is_over(history_database: Database) -> None:
    calls, decisions = SqlCallHistory(history_database), SqlDecisions(history_database)
    await calls.append_calls([setup(code="needs_connection", at_us=n * HOUR_US) for n in (1, 9)])
    await calls.forget_sums_before(hours_us=0, errors_us=0, days_us=0, decisions_us=5 * HOUR_US)
    assert [each.first_at for each in await decisions.decisions(EVERYTHING, 9)] == [9 * HOUR_US]
