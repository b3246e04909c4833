"""What calls on record say of a tenant, in both databases."""

from dataclasses import replace

from server.storage.database import Database
from server.storage.history.call_figures import SqlCallFigures
from server.storage.history.calls import SqlCallHistory
from tools.stores import CallRecord
from tools.workflows.jobs.error_pattern import FailureKind

OK = CallRecord("acme", "call_api", "crm.contacts.list", "oauth", 1.0, True, None, "t1", "ada", "c", 100)
BAD = replace(OK, success=False, error_code="upstream_error", error_class="upstream", trace_id="t2")


async def test_failures_are_counted_by_kind_within_a_tenant_and_a_time(history_database: Database) -> None:
    """Names that there are not are one kind, however many a client invents."""
    invented = [
        replace(BAD, operation=f"no.{n}", error_code="unknown_operation", error_class="caller", trace_id=f"u{n}", called_at_us=110 + n)
        for n in range(3)
    ]
    others = [replace(BAD, tenant_id="globex"), replace(BAD, called_at_us=99), replace(BAD, called_at_us=200), OK]
    await SqlCallHistory(history_database).append_calls([BAD, replace(BAD, called_at_us=150, trace_id="t1"), *invented, *others])
    figures = SqlCallFigures(history_database)
    assert await figures.failures("acme", 100, 200, 9) == [
        FailureKind("", "unknown_operation", "caller", 3, 110, "u2"),
        FailureKind("crm.contacts.list", "upstream_error", "upstream", 2, 100, "t2"),
    ]
    assert [each.count for each in await figures.failures("acme", 100, 200, 1)] == [3]
    assert await figures.calls("acme", 100, 200) == 6
    assert (await figures.any_since("acme", 200), await figures.any_since("globex", 101)) == (True, False)


async def test_whose_connections_were_used_is_what_succeeded_of_a_tenant(history_database: Database) -> None:
    bob = replace(OK, subject="bob", operation="mail.messages.send")
    await SqlCallHistory(history_database).append_calls([OK, bob, replace(BAD, subject="eve"), replace(OK, subject="old", called_at_us=9)])
    figures = SqlCallFigures(history_database)
    assert await figures.called_since("acme", 100) == {("ada", "crm"), ("bob", "mail")}
    assert await figures.called_since("globex", 0) == set()
