"""Whose affair a failure is, and what is kept of why: our words, and nobody's data."""

import pytest

from tests.tools.stand_ins import gateway, operation
from tools.dispatch.failure_classes import MAX_REASON_CHARS, class_of, reason_of
from tools.operation import Call, Failure, Outcome

CONTACTS = operation("crm.contacts.search", schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("internal_error", "ours"),
        ("busy", "ours"),
        ("upstream_timeout", "upstream"),
        ("upstream_error", "upstream"),
        ("upstream_rate_limited", "upstream"),
        ("upstream_unreachable", "upstream"),
        ("timeout", "upstream"),
        ("upstream_not_found", "caller"),
        ("upstream_rejected", "caller"),
        ("upstream_tool_error", "caller"),
        ("invalid_arguments", "caller"),
        ("unknown_operation", "caller"),
        ("cancelled", "caller"),
        ("insufficient_scope", "setup"),
        ("egress_refused", "setup"),
        ("upstream_unauthorized", "setup"),
    ],
)
def test_a_code_is_somebodys_affair(code: str, expected: str) -> None:
    """The rate of errors counts `ours` and `upstream`: a caller's typing mistake is no outage."""
    assert class_of(Outcome("error", error=Failure(code, "words"))) == expected


@pytest.mark.parametrize("status", ["needs_connection", "needs_confirmation"])
def test_a_call_that_waits_for_a_person_is_set_up_not_broken(status: str) -> None:
    assert class_of(Outcome(status)) == "setup"  # type: ignore[arg-type]


def test_what_an_upstream_said_is_not_kept() -> None:
    """An error page may hold anything: names, keys, another customer's order."""
    failure = Failure(
        "upstream_rejected", "crm answered 422: Ada Lovelace has no order 17", upstream={"status": 422, "body": "Ada Lovelace"}
    )
    assert reason_of(failure) == "answered 422"
    assert reason_of(Failure("upstream_tool_error", "x answered: Ada", upstream={"status": None, "body": "Ada"})) == (
        "the tool itself says that it failed"
    )


def test_a_fault_is_kept_by_its_place_and_rule_and_not_by_its_value() -> None:
    failure = Failure(
        "invalid_arguments", "query is 7", faults=({"path": "arguments.query", "value": "ada@x.test", "rule": "type string"},)
    )
    assert reason_of(failure) == "arguments.query: type string"


def test_a_reason_is_one_short_line_without_secrets() -> None:
    """Whatever a message quotes: tokens, lines, escapes, a kilobyte of somebody's text."""
    token = "asc_at_" + "x" * 43
    long = "the file '" + "private words " * 50 + "' is none"
    assert token not in reason_of(Failure("invalid_select", f"select {token}\nline\x1b[31m"))
    assert "private" not in reason_of(Failure("x", long))
    assert len(reason_of(Failure("x", "word " * 400))) == MAX_REASON_CHARS
    assert "\n" not in reason_of(Failure("x", "a\nb"))


async def test_the_record_of_a_failed_call_says_whose_affair_it_is_and_how_long_its_upstream_took() -> None:
    async def slow(call: Call) -> Outcome:
        call.upstream.ms, call.upstream.status = 12.0, 503
        return Outcome("error", error=Failure("upstream_error", "crm answered 503", upstream={"status": 503, "body": "secret"}))

    house = await gateway([CONTACTS])
    house.runner.answers[CONTACTS.id] = slow
    await house.call("call_api", {"api": CONTACTS.id, "args": {"query": "Ada"}})
    await house.call("call_api", {"api": CONTACTS.id, "args": {"query": 7}})
    first, second = house.records.records
    assert (first.error_class, first.upstream_ms, first.upstream_status, first.reason) == ("upstream", 12.0, 503, "answered 503")
    assert (second.error_class, second.upstream_ms, second.reason) == ("caller", None, "arguments.query: type string")
