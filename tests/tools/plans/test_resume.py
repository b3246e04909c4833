"""Going on with a plan: after a failure, a missing account, a client that went away, a process that ended."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from server.storage.database import Database
from server.storage.tools.kept_calls import SqlIdempotencyStore, SqlPlanStore
from tests.empty_store import put_empty_store
from tests.tools.plans.plans import CONTACTS, Batches, answering_with, batches, failing
from tests.tools.stand_ins import ADA, BOB, answering, operation
from tools.operation import Call, ConnectionRequest, Failure, Json, Outcome

OPERATIONS = [
    operation("crm.contacts.search"),
    operation("crm.deals.list"),
    operation("crm.notes.create", "write", idempotent=False),
]
FIND = {"id": "find", "api": "crm.contacts.search"}
NOTES = {
    "id": "notes",
    "api": "crm.notes.create",
    "for_each": "find.data.results",
    "args": {"contact_id": {"$item": "id"}, "body": "hello"},
}
DEALS = {"id": "deals", "api": "crm.deals.list", "depends_on": ["notes"]}


async def crm() -> Batches:
    gateway = await batches(OPERATIONS)
    gateway.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    return gateway


async def test_resume_runs_only_what_failed_or_never_ran() -> None:
    """three-tools.md: finished steps answer from the record."""
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = failing()
    first = await gateway.run(FIND, NOTES, DEALS, return_="{deals: deals.data, notes: length(notes.data)}")
    assert first["status"] == "partial"
    assert len(gateway.sent) == 4
    gateway.runner.answers["crm.deals.list"] = answering(["deal"])
    second = await gateway.run(resume=first["resume"])
    assert second["status"] == "completed"
    assert [api for api, _ in gateway.sent[4:]] == ["crm.deals.list"]
    assert second["returned"] == {"deals": ["deal"], "notes": 2}
    assert second["steps"]["notes"]["from_record"] is True
    assert second["stats"]["calls"] == 1


async def test_a_step_from_the_record_still_says_what_was_made_of_it() -> None:
    """`notes` of a step: what the first run told of it holds for whoever goes on."""
    gateway = await crm()

    async def noting(call: Call) -> Outcome:
        return Outcome("ok", data=CONTACTS, notes=("arguments.tag: taken as a list of one",))

    gateway.runner.answers |= {"crm.contacts.search": noting, "crm.deals.list": failing()}
    first = await gateway.run(FIND, DEALS | {"depends_on": ["find"]})
    gateway.runner.answers["crm.deals.list"] = answering(["deal"])
    second = await gateway.run(resume=first["resume"])
    assert second["steps"]["find"]["from_record"] is True
    assert second["steps"]["find"]["notes"] == first["steps"]["find"]["notes"] == ["arguments.tag: taken as a list of one"]


async def test_only_the_elements_that_failed_run_again() -> None:
    gateway = await crm()
    broken = failing()

    async def second_fails(call: Call) -> Outcome:
        return await broken(call) if call.arguments["contact_id"] == "con_2" else Outcome("ok", data={"id": "note_1"})

    gateway.runner.answers["crm.notes.create"] = second_fails
    first = await gateway.run(FIND, NOTES)
    assert first["steps"]["notes"]["items"]["ok"] == 1
    gateway.runner.answers["crm.notes.create"] = answering({"id": "note_2"})
    gateway.runner.calls.clear()
    second = await gateway.run(resume=first["resume"])
    assert [arguments["contact_id"] for api, arguments in gateway.sent if "contact_id" in arguments] == ["con_2"]
    assert second["status"] == "completed"
    assert second["steps"]["notes"]["items"] == {"total": 2, "ok": 2}


async def test_a_write_that_nobody_heard_back_from_is_not_sent_again_by_resuming() -> None:
    """A timeout says nothing of whether the write took effect; its record answers until that is clear."""
    gateway = await crm()
    silent = Outcome("error", error=Failure("upstream_timeout", "crm gave no answer"))
    gateway.runner.answers["crm.notes.create"] = answering_with(silent)
    first = await gateway.run(FIND, NOTES)
    sent = len(gateway.sent)
    second = await gateway.run(resume=first["resume"])
    assert second["steps"]["notes"]["items"]["failed"][0]["error"]["code"] == "upstream_timeout"
    assert len(gateway.sent) == sent


async def test_sending_the_same_plan_again_writes_nothing_twice() -> None:
    """three-tools.md, call_api: MCP's own retries must not write twice; here for each place of a plan."""
    gateway = await crm()
    await gateway.run(FIND, NOTES)
    again = await gateway.run(FIND, NOTES)
    assert again["status"] == "completed"
    assert [api for api, _ in gateway.sent].count("crm.notes.create") == 2


async def test_two_equal_writes_in_one_plan_are_two_writes() -> None:
    gateway = await crm()
    write = {"api": "crm.notes.create", "args": {"body": "twice on purpose"}}
    await gateway.run({"id": "a", **write}, {"id": "b", **write})
    assert len(gateway.sent) == 2


async def test_a_foreign_an_unknown_and_a_wrong_handle_look_alike() -> None:
    """State only in handles, re-authorized at each use."""
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = failing()
    first = await gateway.run({"id": "deals", "api": "crm.deals.list"})
    foreign = await gateway.run(resume=first["resume"], principal=BOB)
    tenant = await gateway.run(resume=first["resume"], principal=replace(ADA, tenant_id="other"))
    unknown = await gateway.run(resume="x_nothing")
    assert foreign["error"] == tenant["error"] == unknown["error"]
    assert foreign["error"]["code"] == "unknown_handle"


async def test_a_resumed_plan_is_permitted_again() -> None:
    """A grant that was narrowed meanwhile does not run what it no longer covers."""
    gateway = await crm()
    gateway.runner.answers["crm.contacts.search"] = failing()
    first = await gateway.run(FIND, NOTES)
    narrowed = replace(ADA, scopes=frozenset({"mcp", "mcp:read"}))
    assert (await gateway.run(resume=first["resume"], principal=narrowed))["error"]["code"] == "insufficient_scope"


async def test_other_steps_beside_a_handle_are_refused() -> None:
    gateway = await crm()
    gateway.runner.answers["crm.deals.list"] = failing()
    first = await gateway.run({"id": "deals", "api": "crm.deals.list"})
    answer = await gateway.run({"id": "other", "api": "crm.deals.list"}, resume=first["resume"])
    assert "differ from the recorded plan" in answer["error"]["message"]


async def test_an_account_that_is_missing_in_the_middle_holds_up_only_what_needs_it() -> None:
    """three-tools.md: status needs_connection with a resume handle."""
    gateway = await crm()
    asked = ConnectionRequest("crm", "expired", "https://gateway.test/connect/crm", "connect crm again")

    async def expired(call: Call) -> Outcome:
        return Outcome("needs_connection", connection=asked)

    gateway.runner.answers["crm.notes.create"] = expired
    first = await gateway.run(FIND, {**NOTES, "for_each": ["x"], "args": {}}, DEALS, {"id": "free", "api": "crm.deals.list"})
    assert first["status"] == "needs_connection"
    assert first["connections"][0]["url"] == asked.url
    assert first["steps"]["free"]["ok"]
    assert first["steps"]["deals"]["state"] == "waiting"
    gateway.runner.answers["crm.notes.create"] = answering({"id": "note_1"})
    gateway.runner.calls.clear()
    assert (await gateway.run(resume=first["resume"]))["status"] == "completed"
    assert [api for api, _ in gateway.sent] == ["crm.notes.create", "crm.deals.list"]


@pytest.mark.parametrize("by_scope", [False, True], ids=["task", "scope"])
async def test_a_client_that_goes_away_cancels_what_runs_and_leaves_a_record(by_scope: bool) -> None:
    """Issue: cancellation when the client goes away; `finally` records. Both ways of cancelling, for asyncio and anyio differ."""
    gateway = await crm()
    begun, told = asyncio.Event(), []

    async def for_ever(call: Call) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def listen(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    gateway.runner.answers["crm.deals.list"] = for_ever
    scope = anyio.CancelScope()

    async def connected() -> None:
        with scope:
            await gateway.outcome(FIND, NOTES, DEALS, progress=listen)

    client = asyncio.create_task(connected())
    async with asyncio.timeout(30):
        await begun.wait()
    if by_scope:
        scope.cancel()
        await client
    else:
        client.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client
    assert [row.error_code for row in gateway.records.records if row.operation == "crm.deals.list"] == ["cancelled"]
    handle = told[0].rpartition(" ")[2]
    gateway.runner.answers["crm.deals.list"] = answering([])
    gateway.runner.calls.clear()
    assert (await gateway.run(resume=handle))["status"] == "completed"
    assert [api for api, _ in gateway.sent] == ["crm.deals.list"]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = put_empty_store(tmp_path / "plans.sqlite3")
    opened = Database(url)
    yield opened
    await opened.close()


async def test_a_plan_goes_on_in_another_process(database: Database) -> None:
    """Issue: restart from a durable record."""
    first = await batches(OPERATIONS, plans=SqlPlanStore(database))
    first.runner.answers |= {"crm.contacts.search": answering(CONTACTS), "crm.deals.list": failing()}
    handle = (await first.run(FIND, NOTES, DEALS))["resume"]
    second = await batches(OPERATIONS, plans=SqlPlanStore(database))
    answer = await second.run(resume=handle, return_="find.data.total")
    assert (answer["status"], answer["returned"]) == ("completed", 2)
    assert [api for api, _ in second.sent] == ["crm.deals.list"]


DELETE = operation("crm.notes.delete", "destructive", idempotent=True)
DELETIONS: dict[str, Json] = {"id": "gone", "api": DELETE.id, "for_each": [1, 2], "args": {"id": {"$item": "@"}}}


async def agreed(gateway: Batches, *steps: Mapping[str, Json]) -> str:
    asked = await gateway.run(*steps)
    assert asked["status"] == "needs_confirmation"
    token: str = asked["confirmation"]["confirm"]
    return token


async def test_a_yes_to_a_plan_counts_once_across_processes(database: Database) -> None:
    """three-tools.md: one confirmation for the exact plan; MCP's retry of it answers from the record and sends nothing."""
    first, second = [
        await batches([*OPERATIONS, DELETE], plans=SqlPlanStore(database), keys=SqlIdempotencyStore(database)) for _ in range(2)
    ]
    token = await agreed(first, DELETIONS)
    assert (await first.run(DELETIONS, confirm=token))["status"] == "completed"
    again = await second.run(DELETIONS, confirm=token)
    assert (again["status"], again["returned"]) == ("completed", {"gone": [{"id": 1}, {"id": 2}]})
    assert (len(first.sent), len(second.sent)) == (2, 0)
    assert (await second.run(DELETIONS))["status"] == "needs_confirmation"


async def test_a_yes_that_two_processes_get_at_once_deletes_once(database: Database) -> None:
    """Whoever is second finds the plan's record, and each of its calls claimed."""
    houses = [await batches([*OPERATIONS, DELETE], plans=SqlPlanStore(database), keys=SqlIdempotencyStore(database)) for _ in range(2)]
    token = await agreed(houses[0], DELETIONS)
    answers = await asyncio.gather(*(house.run(DELETIONS, confirm=token) for house in houses))
    assert "completed" in [answer["status"] for answer in answers]
    assert sorted(arguments["id"] for house in houses for _, arguments in house.sent) == [1, 2]


async def test_a_new_yes_to_the_same_plan_runs_it_again(database: Database) -> None:
    """What repeating would not harm is not answered from the record of another yes."""
    house = await batches([*OPERATIONS, DELETE], plans=SqlPlanStore(database), keys=SqlIdempotencyStore(database))
    for _ in range(2):
        assert (await house.run(DELETIONS, confirm=await agreed(house, DELETIONS)))["status"] == "completed"
    assert len(house.sent) == 4


async def test_resuming_twice_at_once_in_two_processes_writes_nothing_twice(database: Database) -> None:
    """Each write is claimed under its place in the plan before it is sent."""
    first = await batches(OPERATIONS, plans=SqlPlanStore(database), keys=SqlIdempotencyStore(database))
    first.runner.answers |= {"crm.contacts.search": failing()}
    handle = (await first.run(FIND, NOTES, DEALS))["resume"]
    houses = [await batches(OPERATIONS, plans=SqlPlanStore(database), keys=SqlIdempotencyStore(database)) for _ in range(2)]
    for house in houses:
        house.runner.answers["crm.contacts.search"] = answering(CONTACTS)
    await asyncio.gather(*(house.run(resume=handle) for house in houses))
    written = [arguments["contact_id"] for house in houses for api, arguments in house.sent if api == "crm.notes.create"]
    assert len(written) == len(set(written)) == 2
    assert (await houses[0].run(resume=handle))["status"] == "completed"
