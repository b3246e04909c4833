"""Calls as tasks, on one store that several processes share: begun, shown, fed, stopped, lost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from server.mcp.answers import ToolAnswer
from server.mcp.request_state import Asked
from server.mcp.tasks.ending import MAX_RESULT_BYTES
from server.mcp.tasks.ledger import MAX_WORK_BYTES
from server.mcp.tasks.wire import TaskAnswer, detailed
from server.storage.database import Database
from server.storage.tools.tasks import SqlTaskStore
from tests.empty_store import put_empty_store
from tests.server.mcp.tasks.processes import (
    CRM,
    DONE,
    HUB,
    PLAN,
    TAKES_TASKS,
    Calls,
    accept,
    asks_for_a_yes,
    needs,
    payload,
    process,
)
from tests.tools.stand_ins import ADA, BOB
from tests.waiting import until
from tools.errors import InvalidArguments
from tools.long_work import ENDED, Resumable
from tools.operation import Outcome


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlTaskStore]:
    database = Database(put_empty_store(tmp_path / "store.sqlite3"))
    yield SqlTaskStore(database)
    await database.close()


async def test_a_call_that_lasts_is_a_task_and_any_process_shows_how_it_ended(store: SqlTaskStore) -> None:
    """tasks, "Task Creation": a tasks/get finds it as soon as its client knows of it."""
    async with process(store) as here, process(store) as elsewhere:
        task = await here.begin()
        assert (await elsewhere.shown(task.task_id)).status == "working"
        here.calls.gate.set()
        done = await elsewhere.until(task.task_id, *ENDED)
        assert done.status == "completed"
        assert payload(done)["structuredContent"] == {"status": "ok", "data": {"done": True}}
        assert payload(done)["isError"] is False


async def test_a_call_that_is_quick_is_answered(store: SqlTaskStore) -> None:
    """tasks: a client MUST be prepared for either; who gets the answer needs no poll."""
    async with process(store, after_s=30) as here:
        here.calls.gate.set()
        assert isinstance(await here.send(), ToolAnswer)
        assert here.calls.requests[0].client.takes_tasks is False


async def test_what_a_call_says_of_itself_reaches_its_client_first_and_the_record_then(store: SqlTaskStore) -> None:
    told: list[str | None] = []

    async def listener(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with process(store, Calls(resume="x_7"), after_s=0.05) as here:
        task = await here.begin(progress=listener)
        assert told == [Resumable("x_7")]
        assert task.message == "started; resume: x_7"
        here.calls.gate.set()
        await here.until(task.task_id, "completed")


async def test_an_error_of_the_protocol_fails_the_task_and_an_error_of_the_tool_does_not(store: SqlTaskStore) -> None:
    """tasks, "Task Execution Errors": `failed` is for JSON-RPC errors alone."""
    async with process(store, Calls([MCPError(-32603, "internal error", {"trace_id": "1"}), Outcome("error")])) as here:
        broken = await here.begin()
        here.calls.gate.set()
        failed = await here.until(broken.task_id, *ENDED)
        assert (failed.status, payload(failed)) == ("failed", {"code": -32603, "message": "internal error", "data": {"trace_id": "1"}})
        here.calls.gate = anyio.Event()
        wrong = await here.begin()
        here.calls.gate.set()
        completed = await here.until(wrong.task_id, *ENDED)
        assert (completed.status, payload(completed)["isError"]) == ("completed", True)


async def test_a_fault_of_ours_says_nothing_of_our_insides(store: SqlTaskStore) -> None:
    async with process(store, Calls([RuntimeError("the secret plan of tenant acme")])) as here:
        task = await here.begin()
        here.calls.gate.set()
        failed = await here.until(task.task_id, *ENDED)
        assert payload(failed) == {"code": -32603, "message": "internal error"}


async def test_a_task_is_stopped_by_the_process_that_runs_it_wherever_that_was_asked(store: SqlTaskStore) -> None:
    """tasks, "Task Cancellation": on any node; what was done is told, and how to go on."""
    async with process(store, Calls(resume="x_7")) as here, process(store) as elsewhere:
        mine, other = await here.begin(), await here.begin()
        await until(lambda: len(here.tasks.under_way) == 2)
        assert await here.tasks.cancel(ADA, mine.task_id)
        assert await elsewhere.tasks.cancel(ADA, other.task_id)
        assert (await here.until(mine.task_id, *ENDED)).status == "cancelled"
        here.tasks.stop([other.task_id])  # as the change feed tells it
        stopped = await elsewhere.until(other.task_id, *ENDED)
        assert stopped.status == "cancelled"
        assert "{'resume': 'x_7'}" in (stopped.message or "")
        assert here.calls.stopped == 2
        assert await here.tasks.cancel(ADA, mine.task_id)


async def test_a_task_that_ends_while_it_is_stopped_has_one_end(store: SqlTaskStore) -> None:
    """tasks: it may have ended before the cancellation took effect; a terminal status never changes."""
    for _ in range(20):
        async with process(store) as here:
            task = await here.begin()
            async with anyio.create_task_group() as group:
                group.start_soon(here.tasks.cancel, ADA, task.task_id)
                here.calls.gate.set()
            ended = await here.until(task.task_id, *ENDED)
            assert ended.status in ("completed", "cancelled")
            await here.tasks.cancel(ADA, task.task_id)
            assert await here.shown(task.task_id) == ended


async def test_a_task_whose_process_is_silent_is_told_to_be_broken_off(store: SqlTaskStore) -> None:
    """A killed node: nobody may be left to poll `working` for ever, and nobody is told that nothing happened."""
    async with process(store, Calls(resume="x_7"), lease_us=400_000) as dying, process(store) as elsewhere:
        task = await dying.begin()
        await until(lambda: len(dying.tasks.under_way) == 1)
        dying.tasks._under_way.clear()  # so that it renews nothing, as one that is stopped
        failed = await elsewhere.until(task.task_id, *ENDED)
        told = payload(failed)
        assert (failed.status, told["code"], told["data"]["code"]) == ("failed", -32603, "broken_off")
        assert told["data"]["resume"] == "x_7"
        assert "may have taken effect" in told["message"]
        dying.tasks._under_way[task.task_id] = None  # type: ignore[assignment]  # its own entry, for it to take away
        dying.calls.gate.set()
        await until(lambda: not dying.tasks.under_way)
        assert await elsewhere.shown(task.task_id) == failed


async def test_a_process_that_lives_keeps_its_tasks(store: SqlTaskStore) -> None:
    async with process(store, lease_us=200_000) as here, process(store) as elsewhere:
        task = await here.begin()
        begun = task.updated_at_us

        async def has_outlived_its_lease() -> bool:
            record = await store.load(ADA, task.task_id)
            assert record is not None
            return record.lease_until_us > begun + 600_000

        await until(has_outlived_its_lease)
        assert (await elsewhere.shown(task.task_id)).status == "working"
        here.calls.gate.set()
        assert (await here.until(task.task_id, *ENDED)).status == "completed"


async def test_a_process_that_is_told_to_stop_says_what_it_broke_off(store: SqlTaskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.mcp.tasks.calls.DRAIN_S", 0.01)
    async with process(store) as elsewhere:
        async with process(store, Calls(resume="x_7")) as here:
            task = await here.begin()
            await until(lambda: here.tasks._under_way[task.task_id].resume is not None)
        failed = await elsewhere.shown(task.task_id)
        assert (failed.status, payload(failed)["data"]["resume"]) == ("failed", "x_7")
        assert here.calls.stopped == 1


async def test_a_process_that_is_told_to_stop_lets_calls_end(store: SqlTaskStore) -> None:
    async with process(store) as elsewhere:
        async with process(store) as here:
            task = await here.begin()
            await until(lambda: len(here.tasks.under_way) == 1)
            here.calls.gate.set()
        assert (await elsewhere.shown(task.task_id)).status == "completed"


async def test_a_lost_account_is_asked_for_and_any_process_goes_on(store: SqlTaskStore) -> None:
    """tasks, "Task Update Requests": input_required, tasks/update, and the rest of the plan by its record."""
    async with process(store, Calls([needs(CRM)])) as here, process(store, Calls([DONE])) as elsewhere:
        task = await here.begin()
        here.calls.gate.set()
        waits = await here.until(task.task_id, "input_required")
        [request] = payload(waits).values()
        assert (request["method"], request["params"]["mode"], request["params"]["url"]) == ("elicitation/create", "url", CRM.url)
        elsewhere.calls.gate.set()
        assert await elsewhere.feed(task.task_id, accept(payload(waits)))
        done = await here.until(task.task_id, *ENDED)
        assert done.status == "completed"
        [again] = elsewhere.calls.requests
        assert again.asked is not None
        assert again.asked == Asked(frozenset({"crm"}), "x_1")
        assert again.arguments == PLAN
        assert detailed(done)["result"]["structuredContent"]["data"] == {"done": True}


async def test_accounts_may_be_answered_for_one_by_one_and_answers_to_nothing_are_passed_over(store: SqlTaskStore) -> None:
    """tasks: a partial set keeps it waiting; unknown and answered keys are ignored."""
    async with process(store, Calls([needs(CRM, HUB), DONE])) as here:
        task = await here.begin()
        here.calls.gate.set()
        first, second = payload(await here.until(task.task_id, "input_required"))
        assert await here.feed(task.task_id, {"connect": {"action": "accept"}, "never": {"ignored": True}})
        assert await here.feed(task.task_id, accept({first: None}))
        assert list(payload(await here.shown(task.task_id))) == [second]
        assert await here.feed(task.task_id, accept({first: None}))
        assert list(payload(await here.shown(task.task_id))) == [second]
        assert await here.feed(task.task_id, accept({second: None}))
        assert (await here.until(task.task_id, *ENDED)).status == "completed"
        assert await here.feed(task.task_id, accept({first: None, second: None}))
        assert len(here.calls.requests) == 2


async def test_an_account_that_is_still_missing_is_not_asked_for_twice(store: SqlTaskStore) -> None:
    """An accept proves nothing, and a question again and again would be a loop without a person."""
    async with process(store, Calls([needs(CRM), needs(CRM, HUB), needs(CRM, HUB)])) as here:
        task = await here.begin()
        here.calls.gate.set()
        first = payload(await here.until(task.task_id, "input_required"))
        await here.feed(task.task_id, accept(first))
        second = payload(await here.until(task.task_id, "input_required"))
        assert first.keys().isdisjoint(second)
        assert [each["params"]["url"] for each in second.values()] == [HUB.url]
        await here.feed(task.task_id, accept(second))
        told = payload(await here.until(task.task_id, "completed"))["structuredContent"]
        assert (told["status"], told["resume"]) == ("needs_connection", "x_1")


async def test_answers_on_two_processes_at_once_make_it_go_on_once(store: SqlTaskStore) -> None:
    """Replayed input: a plan that went on twice would write twice."""
    async with process(store, Calls([needs(CRM)])) as asking, process(store) as one, process(store) as two:
        task = await asking.begin()
        asking.calls.gate.set()
        answers = accept(payload(await asking.until(task.task_id, "input_required")))
        async with anyio.create_task_group() as group:
            for each in (one, two) * 5:
                group.start_soon(each.feed, task.task_id, answers)
        for each in (one, two):
            each.calls.gate.set()
        assert (await one.until(task.task_id, *ENDED)).status == "completed"
        assert len(one.calls.requests) + len(two.calls.requests) == 1


async def test_a_yes_runs_exactly_what_was_asked_for(store: SqlTaskStore) -> None:
    async with process(store, Calls([asks_for_a_yes(), DONE])) as here:
        task = await here.begin()
        here.calls.gate.set()
        [(key, form)] = payload(await here.until(task.task_id, "input_required")).items()
        assert (form["params"]["mode"], form["params"]["message"]) == ("form", "Delete contact 1?")
        await here.feed(task.task_id, accept({key: None}, {"confirm": True}))
        assert (await here.until(task.task_id, *ENDED)).status == "completed"
        assert here.calls.requests[-1].arguments == {**PLAN, "confirm": "c_1"}


@pytest.mark.parametrize(
    "no", [{"action": "decline"}, {"action": "cancel"}, {"action": "accept"}, {"action": "accept", "content": {"confirm": "true"}}]
)
async def test_only_a_yes_is_a_yes(store: SqlTaskStore, no: dict[str, object]) -> None:
    """Declined, closed, or sent without the box that was ticked: nothing runs, and the model is told not to ask again."""
    async with process(store, Calls([asks_for_a_yes(), DONE])) as here:
        task = await here.begin()
        here.calls.gate.set()
        [key] = payload(await here.until(task.task_id, "input_required"))
        await here.feed(task.task_id, {key: no})
        told = payload(await here.until(task.task_id, "completed"))
        assert told["structuredContent"]["error"]["code"] == "confirmation_declined"
        assert len(here.calls.requests) == 1


@pytest.mark.parametrize("response", [None, "yes", {}, {"action": "perhaps"}, {"content": {"confirm": True}}])
async def test_an_answer_of_no_known_shape_is_refused_and_the_question_stays(store: SqlTaskStore, response: object) -> None:
    async with process(store, Calls([needs(CRM)])) as here:
        task = await here.begin()
        here.calls.gate.set()
        waits = await here.until(task.task_id, "input_required")
        [key] = payload(waits)
        with pytest.raises(InvalidArguments, match=f"inputResponses.{key}"):
            await here.feed(task.task_id, {key: response})
        assert await here.shown(task.task_id) == waits


async def test_a_task_that_waits_for_its_person_is_stopped_at_once(store: SqlTaskStore) -> None:
    async with process(store, Calls([needs(CRM)])) as here, process(store) as elsewhere:
        task = await here.begin()
        here.calls.gate.set()
        answers = accept(payload(await here.until(task.task_id, "input_required")))
        assert await elsewhere.tasks.cancel(ADA, task.task_id)
        stopped = await here.shown(task.task_id)
        assert stopped.status == "cancelled"
        assert await here.feed(task.task_id, answers)
        assert await here.shown(task.task_id) == stopped
        assert len(here.calls.requests) == 1


async def test_nobody_else_sees_feeds_or_stops_a_task(store: SqlTaskStore) -> None:
    """tasks, "Auth binding": each request is checked, and nothing tells a foreign id from an unknown one."""
    async with process(store, Calls([needs(CRM)])) as here:
        task = await here.begin()
        here.calls.gate.set()
        waits = await here.until(task.task_id, "input_required")
        for stranger in (BOB, replace(ADA, tenant_id="other"), replace(ADA, client_id="client-2")):
            for task_id in (task.task_id, "t_nothing"):
                assert await here.tasks.show(stranger, task_id) is None
                assert not await here.feed(task_id, accept(payload(waits)), stranger)
                assert not await here.tasks.cancel(stranger, task_id)
        assert await here.shown(task.task_id) == waits


async def test_where_there_is_no_room_for_a_task_its_client_waits(store: SqlTaskStore) -> None:
    """A quota costs whoever meets it a connection, and nobody an answer."""
    most = 2
    async with process(SqlTaskStore(store._database, under_way=(most, 9))) as here:
        for _ in range(most):
            await here.begin()
        answers = []

        async def send() -> None:
            answers.append(await here.send())

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await until(lambda: len(here.calls.requests) == most + 1)
            here.calls.gate.set()
        assert isinstance(answers[0], ToolAnswer)


async def test_arguments_that_are_too_much_to_keep_make_no_task(store: SqlTaskStore) -> None:
    async with process(store) as here:
        here.calls.gate.set()
        large = {"args": "x" * MAX_WORK_BYTES}
        assert isinstance(await here.send(arguments=large), ToolAnswer)


async def test_an_answer_that_is_too_much_to_keep_is_told_to_be_lost(store: SqlTaskStore) -> None:
    async with process(store, Calls([Outcome("ok", data={"text": "x" * MAX_RESULT_BYTES})])) as here:
        task = await here.begin()
        here.calls.gate.set()
        told = payload(await here.until(task.task_id, *ENDED))
        assert (told["isError"], told["structuredContent"]["error"]["code"]) == (True, "answer_not_kept")


async def test_who_goes_away_before_there_is_a_task_stops_the_call(store: SqlTaskStore) -> None:
    """MCP 2026-07-28 transports: closing the stream cancels; after the task was told, it no longer does."""
    async with process(store, after_s=30) as here:
        async with anyio.create_task_group() as group:
            group.start_soon(here.send)
            await until(lambda: len(here.calls.requests) == 1)
            group.cancel_scope.cancel()
        assert here.calls.stopped == 1
        assert not here.tasks.under_way


def bytes_in(folder: Path) -> bytes:
    """Return all that lies in a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_who_reads_the_store_reads_no_link_no_argument_and_no_answer(store: SqlTaskStore, tmp_path: Path) -> None:
    """A connect link is good for ten minutes; nobody but the gateway keeps it."""
    async with (
        process(store, Calls([needs(CRM), Outcome("ok", data={"secret": "kahuna"})])) as here,
        process(store, key=b"x" * 32) as other,
    ):
        task = await here.begin()
        here.calls.gate.set()
        asked = payload(await here.until(task.task_id, "input_required"))
        kept = bytes_in(tmp_path)
        assert task.task_id.encode() not in kept
        assert CRM.url.encode() not in kept
        assert b"crm.contacts.list" not in kept
        await here.feed(task.task_id, accept(asked))
        await here.until(task.task_id, "completed")
        assert b"kahuna" not in bytes_in(tmp_path)
        assert await other.tasks.show(ADA, task.task_id) is None


async def test_a_call_that_was_given_up_is_stopped_when_it_finds_that_out(store: SqlTaskStore) -> None:
    """A process that stood still for long: its client may have gone on elsewhere, and two would write."""
    async with process(store, lease_us=3_600_000_000) as slow, process(store) as elsewhere:
        task = await slow.begin()
        record = await elsewhere.tasks._ledger.find(ADA, task.task_id)
        assert record is not None
        await elsewhere.tasks._ledger.end(ADA, record, "failed", "given up", b"{}")
        slow.tasks._under_way[task.task_id].message = "half of it"
        await until(lambda: slow.calls.stopped == 1)
        assert (await elsewhere.shown(task.task_id)).message == "given up"


async def test_what_it_takes_to_go_on_is_forgotten_at_the_end(store: SqlTaskStore) -> None:
    """Arguments may hold what nobody wants kept."""
    async with process(store) as here:
        task = await here.begin()
        here.calls.gate.set()
        await here.until(task.task_id, *ENDED)
        record = await store.load(ADA, task.task_id)
        assert record is not None
        assert (record.work, record.owner) == (b"", "")


async def test_a_client_without_forms_gets_the_question_in_words(store: SqlTaskStore) -> None:
    """MCP 2026-07-28: nothing is asked that the client did not declare."""
    plain = replace(TAKES_TASKS, elicits_form=False, elicits_url=False)
    async with process(store, Calls([asks_for_a_yes()])) as here:
        answered = await here.send(client=plain)
        assert isinstance(answered, TaskAnswer)
        here.calls.gate.set()
        told = payload(await here.until(answered.task.task_id, *ENDED))
        assert told["structuredContent"]["confirmation"]["confirm"] == "c_1"
