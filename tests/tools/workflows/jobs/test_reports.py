"""What the jobs find: connections, failures, and texts of others in a report."""

from dataclasses import replace

import orjson
import pytest

from oauth.connections.connection import Connection
from tools.operation import Json
from tools.workflows.jobs.error_pattern import FailureKind, error_report
from tools.workflows.jobs.report import MAX_FINDINGS, MAX_TEXT_CHARS, finding, report
from tools.workflows.jobs.token_health import token_report
from tools.workflows.schedules.schedule import MAX_REPORT_BYTES, report_of

NOW = 1_795_860_000.0
NOW_US = int(NOW) * 1_000_000
DAY = 24 * 3600.0
WELL = Connection(
    "con_1", "acme", "ada", "crm", "work", "x", "X", "bearer", frozenset(), NOW - 90 * DAY, expires_at=NOW + 60, refresh_due_at=NOW + 9
)
USED = {("ada", "crm")}


def kinds(*connections: Connection, called: set[tuple[str, str]] = USED) -> list[str]:
    return [each["kind"] for each in token_report(connections, called, NOW_US)["findings"]]


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (WELL, None),
        (replace(WELL, state="expired", last_error="invalid_grant"), "ended"),
        (replace(WELL, state="blocked"), "blocked"),
        (replace(WELL, expires_at=NOW - 1, refresh_due_at=None), "ended"),
        (replace(WELL, fail_count=1, last_error="invalid_scope"), "failing"),
        (replace(WELL, fail_count=2, last_error="http_503"), None),
        (replace(WELL, fail_count=5, last_error="http_503"), "failing"),
        (replace(WELL, expires_at=NOW + 3 * DAY, refresh_due_at=None), "ends_soon"),
        (replace(WELL, expires_at=NOW + 8 * DAY, refresh_due_at=None), None),
        (replace(WELL, expires_at=None, refresh_due_at=None), None),
        (replace(WELL, provider="mail"), "unused"),
        (replace(WELL, subject="bob"), "unused"),
        (replace(WELL, subject=""), None),
        (replace(WELL, provider="mail", created_at=NOW - 13 * DAY), None),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_once(connection: Connection, kind: str | None) -> None:
    """The worst of it, with what to do; an account of everybody's is used by anybody."""
    assert kinds(connection) == ([kind] if kind else [])


def test_a_report_on_connections_names_whose_they_are() -> None:
    found = token_report([replace(WELL, state="expired", last_error="invalid_grant"), WELL], USED, NOW_US)
    assert (found["title"], found["counts"], found["checked_at"]) == (
        "Connections",
        {"connections": 2, "findings": 1},
        "2026-11-28T10:00:00Z",
    )
    [one] = found["findings"]
    assert (one["about"], one["provider"], one["subject"], one["account_id"]) == ("crm/work", "crm", "ada", "con_1")
    assert one["message"] == "it ended, and nothing renews it: invalid_grant"
    assert "connect crm again" in one["hint"]


def failure(count: int, code: str = "upstream_error", operation: str = "crm.contacts.list", error_class: str = "upstream") -> FailureKind:
    return FailureKind(operation, code, error_class, count, NOW_US - 5, "trace-1")


@pytest.mark.parametrize(
    ("day", "hour", "kind"),
    [(0, 1, "new"), (24, 9, None), (24, 10, "growing"), (240, 29, None), (240, 30, "growing"), (1, 3, None)],
)
def test_an_error_is_new_or_grows_beside_what_is_usual(day: int, hour: int, kind: str | None) -> None:
    """Ten in the hour and three times the usual at least; what did not come for a day is new."""
    before = [failure(day)] if day else []
    found = error_report(before, [failure(hour)], 100, NOW_US)
    assert [each["kind"] for each in found["findings"]] == ([kind] if kind else [])
    assert found["counts"] == {"calls": 100, "failed": hour, "kinds": 1, "findings": 1 if kind else 0}


@pytest.mark.parametrize(("hour", "kind"), [(1, None), (9, None), (10, "new")])
@pytest.mark.parametrize("error_class", ["caller", "setup"])
def test_what_callers_get_wrong_now_and_then_is_no_finding(error_class: str, hour: int, kind: str | None) -> None:
    """A model that mistypes an argument puts it right; ten in an hour are told."""
    found = error_report([], [failure(hour, "invalid_arguments", error_class=error_class)], 9, NOW_US)
    assert [each["kind"] for each in found["findings"]] == ([kind] if kind else [])


def test_an_error_finding_leads_to_a_trace() -> None:
    """And says of names that nobody has that they are that."""
    invented = failure(13, "unknown_operation", "", "caller")
    [one, other] = error_report([], [failure(2), invented], 19, NOW_US)["findings"]
    assert "`ascend trace trace-1`" in one["hint"]
    assert (one["trace_id"], one["first_at"], one["count"]) == ("trace-1", "2026-11-28T09:59:59.999995Z", 2)
    assert other["about"] == "operations that there are not: unknown_operation"


def test_secrets_and_unseen_signs_in_texts_of_others_stay_out_of_a_report() -> None:
    """An alias, a location, a code may be anything; a report goes to a console."""
    text = "x\x1b[31m\u202e Bearer abcdefghijklmnop https://ada:hunter2@h/ token=s3cret" + "y" * 999
    said = orjson.dumps(finding("k", text, text, facts={"location": text, "n": 1})).decode()
    assert not [secret for secret in ("abcdefghijklmnop", "hunter2", "s3cret", "\\u001b", "\u202e") if secret in said]
    assert all(len(value) <= MAX_TEXT_CHARS for value in orjson.loads(said).values() if isinstance(value, str))


def test_a_report_has_so_many_findings_and_is_so_long_at_most() -> None:
    """Both say how many there were."""
    many = [finding("k", "about", "m" * 300, "h" * 300) for _ in range(MAX_FINDINGS + 50)]
    whole = report("t", many, {"n": 1}, NOW_US)
    assert (len(whole["findings"]), whole["counts"]["findings"]) == (MAX_FINDINGS, MAX_FINDINGS + 50)
    kept = report_of(whole)
    assert kept is not None
    assert len(orjson.dumps(kept)) <= MAX_REPORT_BYTES
    assert len(kept["findings"]) + kept["left_out"] == MAX_FINDINGS


@pytest.mark.parametrize("result", [None, 3, [], {}, {"title": "t"}, {"title": 1, "findings": []}, {"title": "t" * 70_000, "findings": []}])
def test_what_is_no_report_is_not_kept_as_one(result: Json) -> None:
    """The run has it."""
    assert report_of(result) is None
