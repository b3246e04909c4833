"""The one door: what passes, what does not, and what is recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from oauth.connections.credentials import Readiness
from oauth.tenants import Tenant, Tenants
from server.storage.memory.tools import MemoryIdempotencyStore
from tests.tools.stand_ins import ADA, BOB, answering, gateway, operation
from tools.dispatch.wire import to_wire
from tools.errors import UpstreamFailed
from tools.operation import Call, Failure, Outcome

CONTACTS = operation("crm.contacts.search", schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]})
CREATE = operation("crm.contacts.create", "write")
DELETE = operation("crm.contacts.delete", "destructive")


def failing(failure: Failure) -> Callable[[Call], Awaitable[Outcome]]:
    async def answer(call: Call) -> Outcome:
        return Outcome("error", error=failure)

    return answer


async def test_call_api_runs_an_operation_and_answers_with_its_data() -> None:
    """three-tools.md, call_api: `{status, data, size, trace_id}`."""
    house = await gateway([CONTACTS])
    house.runner.answers[CONTACTS.id] = answering({"results": [{"id": 1, "name": "Ada"}]})
    outcome = await house.call("call_api", {"api": CONTACTS.id, "args": {"query": "Ada"}, "select": "results[].name"})
    wire = to_wire(outcome)
    assert wire["status"] == "ok"
    assert wire["data"] == ["Ada"]
    assert wire["size"] == {"total_bytes": 7, "returned_chars": 7}
    assert len(wire["trace_id"]) == 32


async def test_a_call_by_the_name_of_an_operation_passes_the_same_door() -> None:
    """three-tools.md: a tools/call by the name of a catalogue operation also works."""
    house = await gateway([CONTACTS])
    assert (await house.call(CONTACTS.id, {"query": "Ada"})).data == {"query": "Ada"}
    assert (await house.call(CONTACTS.id, {})).error is not None


async def test_an_unknown_operation_is_answered_with_what_was_probably_meant() -> None:
    """Issue 2: unknown operation -> error with did_you_mean."""
    house = await gateway([CONTACTS, CREATE])
    outcome = await house.call("call_api", {"api": "crm.contact.search", "args": {}})
    assert outcome.error is not None
    assert outcome.error.code == "unknown_operation"
    assert outcome.error.did_you_mean[0] == CONTACTS.id


async def test_another_tenants_operation_is_as_unknown_as_an_invented_one() -> None:
    """Invariant: the tenant first; a refusal does not tell what exists elsewhere."""
    house = await gateway([operation("secret.plans.list", tenant_id="other")])
    outcome = await house.call("call_api", {"api": "secret.plans.list"})
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.did_you_mean) == ("unknown_operation", ())
    assert (await house.call("secret.plans.list", {}, replace(ADA, tenant_id="other"))).status == "ok"


async def test_a_token_without_the_tier_is_told_which_scope_it_lacks() -> None:
    """The edge turns missing_scopes into a 403 step-up (MCP authorization, insufficient_scope)."""
    house = await gateway([CREATE])
    reader = replace(ADA, scopes=frozenset({"mcp", "mcp:read"}))
    outcome = await house.call("call_api", {"api": CREATE.id}, reader)
    assert outcome.error is not None
    assert outcome.error.code == "insufficient_scope"
    assert outcome.error.missing_scopes == {"crm:write"}
    assert house.runner.calls == []


async def test_a_provider_scope_permits_only_that_provider() -> None:
    """scopes: `<provider>:<access>` beside the umbrella `mcp:<access>`."""
    house = await gateway([CREATE, operation("erp.orders.create", "write")])
    narrow = replace(ADA, scopes=frozenset({"mcp", "crm:write"}))
    assert (await house.call("call_api", {"api": CREATE.id}, narrow)).status == "ok"
    assert (await house.call("call_api", {"api": "erp.orders.create"}, narrow)).status == "error"


async def test_wrong_arguments_come_back_with_path_value_rule_and_example() -> None:
    """three-tools.md: messages that a model can act on."""
    house = await gateway([CONTACTS])
    outcome = await house.call("call_api", {"api": CONTACTS.id, "args": {"query": 7}})
    assert outcome.error is not None
    assert outcome.error.faults == ({"path": "arguments.query", "value": 7, "rule": "type string", "example": "text"},)
    assert house.runner.calls == []


async def test_a_destructive_call_asks_first_and_runs_with_the_token_for_exactly_it() -> None:
    """three-tools.md, needs_confirmation: bound to tenant, subject, operation, account and the exact arguments."""
    house = await gateway([replace(DELETE, connection="crm")])
    asked = await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}})
    assert asked.status == "needs_confirmation"
    assert asked.confirmation is not None
    token = asked.confirmation.token
    for wrong in ({"args": {"id": 2}}, {"args": {"id": 1}, "account": "home"}):
        assert (await house.call("call_api", {"api": DELETE.id, "confirm": token, **wrong})).status == "needs_confirmation"
    assert (await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}, "confirm": token}, BOB)).status == "needs_confirmation"
    assert house.runner.calls == []
    assert (await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}, "confirm": token})).status == "ok"


async def test_a_destructive_call_by_its_own_name_is_confirmed_by_call_api() -> None:
    """three-tools.md: an operation called by name has only its own arguments, so the way out must name who takes `confirm`."""
    house = await gateway([DELETE])
    asked = await house.call(DELETE.id, {"id": 1})
    assert asked.confirmation is not None
    assert "call_api" in (asked.note or "")
    confirmed = await house.call("call_api", {"api": DELETE.id, "args": {"id": 1}, "confirm": asked.confirmation.token})
    assert confirmed.status == "ok"


@pytest.mark.parametrize("is_idempotent", [True, False])
async def test_a_yes_counts_once_and_its_retry_gets_the_recorded_outcome(is_idempotent: bool) -> None:
    """three-tools.md, needs_confirmation: one yes, one execution; MCP's own retry of it is answered, not run."""
    house = await gateway([replace(DELETE, idempotent=is_idempotent)])
    house.runner.answers[DELETE.id] = answering({"deleted": 1})
    given = {"api": DELETE.id, "args": {"id": 1}}
    asked = await house.call("call_api", given)
    assert asked.confirmation is not None
    confirmed = {**given, "confirm": asked.confirmation.token}
    first = await house.call("call_api", confirmed)
    again = await house.call("call_api", confirmed)
    assert (first.data, first.note) == ({"deleted": 1}, None)
    assert (again.data, again.status) == ({"deleted": 1}, "ok")
    assert "a yes counts once" in (again.note or "")
    assert len(house.runner.calls) == 1
    assert (await house.call("call_api", given)).status == "needs_confirmation"


async def test_a_yes_to_what_the_upstream_refused_is_used_up_as_well() -> None:
    """Otherwise one yes could be tried again and again until something happens."""
    house = await gateway([DELETE])
    house.runner.answers[DELETE.id] = failing(Failure("upstream_refused", "no", upstream={"status": 409, "body": {}}))
    asked = await house.call("call_api", {"api": DELETE.id})
    assert asked.confirmation is not None
    for _ in range(2):
        outcome = await house.call("call_api", {"api": DELETE.id, "confirm": asked.confirmation.token})
        assert outcome.error is not None
        assert outcome.error.code == "upstream_refused"
    assert len(house.runner.calls) == 1


async def test_two_that_come_with_the_same_yes_at_once_run_it_once() -> None:
    """The second waits for the first, and gets its outcome."""
    house = await gateway([DELETE])
    asked = await house.call("call_api", {"api": DELETE.id})
    assert asked.confirmation is not None
    confirmed = {"api": DELETE.id, "confirm": asked.confirmation.token}
    both = await asyncio.gather(house.call("call_api", confirmed), house.call("call_api", confirmed))
    assert [each.status for each in both] == ["ok", "ok"]
    assert len(house.runner.calls) == 1


async def test_a_yes_that_one_node_took_is_used_up_on_every_other() -> None:
    """The store is the judge of who comes first; here two dispatchers share one."""
    keys = MemoryIdempotencyStore()
    houses = [await gateway([DELETE], keys=keys) for _ in range(2)]
    asked = await houses[0].call("call_api", {"api": DELETE.id})
    assert asked.confirmation is not None
    confirmed = {"api": DELETE.id, "confirm": asked.confirmation.token}
    both = await asyncio.gather(*(house.call("call_api", confirmed) for house in houses))
    codes = {each.error.code for each in both if each.error is not None}
    assert "ok" in [each.status for each in both]
    assert codes <= {"in_flight", "unknown_outcome"}
    assert sum(len(house.runner.calls) for house in houses) == 1
    assert (await houses[1].call("call_api", confirmed)).status == "ok"


async def test_an_account_that_means_nothing_to_the_operation_is_said() -> None:
    """Ignored in silence, whoever named it would think that it was used."""
    house = await gateway([CONTACTS])
    outcome = await house.call("call_api", {"api": CONTACTS.id, "args": {"query": "Ada"}, "account": "nonsense"})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"
    assert "'nonsense' means nothing to 'crm.contacts.search'" in outcome.error.message
    assert house.runner.calls == []


async def test_a_confirmation_expires() -> None:
    """Ten minutes: a yes is to a question that the person still remembers."""
    house = await gateway([DELETE])
    asked = await house.call("call_api", {"api": DELETE.id})
    assert asked.confirmation is not None
    house.clock[0] += asked.confirmation.expires_in_s + 1
    again = await house.call("call_api", {"api": DELETE.id, "confirm": asked.confirmation.token})
    assert again.status == "needs_confirmation"


async def test_a_yes_and_a_record_stay_with_the_account_that_was_meant() -> None:
    """The default account may change between the question and the answer, and between a write and its repetition."""
    delete, create = (replace(each, connection="crm") for each in (DELETE, CREATE))
    house = await gateway([delete, create])
    house.accounts.readiness_by_provider["crm"] = Readiness("crm", "ready", ("work", "home"), "work")
    asked = await house.call("call_api", {"api": delete.id, "args": {"id": 1}})
    await house.call("call_api", {"api": create.id})
    assert asked.confirmation is not None
    assert asked.confirmation.message == "crm contacts delete (crm.contacts.delete) with id: 1 in the account 'work'? It cannot be undone"
    house.accounts.readiness_by_provider["crm"] = Readiness("crm", "ready", ("work", "home"), "home")
    token = asked.confirmation.token
    assert (await house.call("call_api", {"api": delete.id, "args": {"id": 1}, "confirm": token})).status == "needs_confirmation"
    assert (await house.call("call_api", {"api": delete.id, "args": {"id": 1}, "account": "work", "confirm": token})).status == "ok"
    assert (await house.call("call_api", {"api": create.id})).note is None
    assert [call.options.account for call in house.runner.calls] == ["work", "work", "home"]


async def test_a_tenant_may_do_without_confirmations() -> None:
    """oauth.tenants: confirm_destructive."""
    house = await gateway([DELETE], tenants=Tenants([Tenant("acme", "Acme", confirm_destructive=False)]))
    assert (await house.call("call_api", {"api": DELETE.id})).status == "ok"


async def test_a_dry_run_shows_the_request_and_sends_nothing() -> None:
    """three-tools.md, dry_run: validate and authorize; the exact request, secrets masked."""
    house = await gateway([DELETE])
    outcome = await house.call("call_api", {"api": DELETE.id, "dry_run": True})
    assert outcome.data["request"]["headers"] == {"authorization": "Bearer ***"}
    assert outcome.data["would_need_confirmation"] is True
    assert house.runner.calls == []


async def test_one_call_leaves_one_record_that_names_the_inner_operation() -> None:
    """Issue 2: every call leaves one row."""
    house = await gateway([CONTACTS])
    await house.call("call_api", {"api": CONTACTS.id, "args": {"query": "Ada"}})
    await house.call("call_api", {"api": "nope"})
    rows = [(row.tool, row.operation, row.success, row.error_code) for row in house.records.records]
    assert rows == [("call_api", CONTACTS.id, True, None), ("call_api", "nope", False, "unknown_operation")]
    assert {row.tenant_id for row in house.records.records} == {"acme"}
    assert all("Ada" not in repr(row) for row in house.records.records)


async def test_what_a_runner_raises_becomes_an_outcome_and_never_a_stack_trace(caplog: pytest.LogCaptureFixture) -> None:
    """Style: unknown failures say `internal error` and a trace id; the words stay in the log."""
    house = await gateway([CONTACTS])

    async def upstream_down(call: Call) -> Outcome:
        raise UpstreamFailed(Failure("upstream_unreachable", "no route", retryable=True))

    async def defect(call: Call) -> Outcome:
        raise KeyError("the-secret-of-a-defect")

    house.runner.answers[CONTACTS.id] = upstream_down
    first = await house.call(CONTACTS.id, {"query": "x"})
    assert first.error == Failure("upstream_unreachable", "no route", retryable=True)
    house.runner.answers[CONTACTS.id] = defect
    second = await house.call(CONTACTS.id, {"query": "x"})
    assert second.error is not None
    assert second.error.code == "internal_error"
    assert "secret-of-a-defect" not in repr(second)
    assert second.trace_id is not None
    assert second.trace_id in caplog.text


async def test_a_call_ends_at_its_deadline() -> None:
    """30 s on every outbound request; the caller may ask for less."""
    house = await gateway([CONTACTS])

    async def never(call: Call) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    house.runner.answers[CONTACTS.id] = never
    outcome = await house.call("call_api", {"api": CONTACTS.id, "args": {"query": "x"}, "timeout_s": 0.1})
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.retryable) == ("timeout", True)


async def test_cancellation_passes_through_and_is_recorded() -> None:
    """Style: cancellation passes through; `finally` records."""
    house = await gateway([CONTACTS])
    started = asyncio.Event()

    async def never(call: Call) -> Outcome:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.runner.answers[CONTACTS.id] = never
    task = asyncio.create_task(house.call("call_api", {"api": CONTACTS.id, "args": {"query": "x"}}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(row.operation, row.error_code) for row in house.records.records] == [(CONTACTS.id, "cancelled")]


async def test_a_tool_that_runs_operations_cannot_run_itself() -> None:
    """A call in a call in a call would have no end."""
    house = await gateway([])
    outcome = await house.call("call_api", {"api": "call_api", "args": {"api": "call_api"}})
    assert outcome.error is not None
    assert outcome.error.code == "not_nestable"
