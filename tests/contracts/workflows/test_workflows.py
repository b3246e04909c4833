"""What the port `Workflows` promises about runs and their steps, on both databases (context contract §4)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from server.storage.database import Database, StoreUnavailable, now_us
from server.storage.schema.workflows.workflow_tables import workflow_runs, workflow_steps
from server.storage.workflows.runs.records import SqlRunRecords
from server.storage.workflows.runs.store import SqlRunStore
from server.storage.workflows.runs.writes import writes_within
from tests.contracts.workflows.workflow_engines import TENANT, UNTIL_NOW, Durable, durable_on, running
from tests.waiting import until
from tools.context_plane.quotas import CONTEXT
from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.quotas import DOCUMENTS
from tools.workflows.engine import engine, execution
from tools.workflows.errors import PermanentFault, StepFailed, WorkflowRefused
from tools.workflows.run import Retry, Run, Writes
from tools.workflows.stores import ActsFor
from tools.workflows.workflow import Limits

HOUR_US = 3_600_000_000
NOW = Retry(attempts=3, first_s=0.0, longest_s=0.0)


@pytest.fixture(autouse=True)
def _no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is put down soon."""
    monkeypatch.setattr(execution, "LINGER_S", 0.05)


@pytest.fixture
async def durable(sql_database: Database) -> AsyncIterator[Durable]:
    async with running(durable_on(sql_database)) as opened:
        yield opened


async def double(run: Run, given: Mapping[str, Json]) -> Json:
    async def work() -> Json:
        return given["n"] * 2

    return await run.step("double", work)


async def test_a_run_gives_the_result_of_its_body_and_shows_its_steps(durable: Durable) -> None:
    durable.add("double", double)
    view = await durable.ran("double", {"n": 21}, key="one")
    assert (view.run_id, view.state, view.result, view.version) == ("acme:double:one", "succeeded", 42, "1")
    assert [(step.name, step.state, step.attempts, step.result) for step in view.steps] == [("double", "succeeded", 1, 42)]


async def test_the_same_key_is_the_same_run_and_with_another_given_a_conflict(durable: Durable) -> None:
    durable.add("double", double)
    assert await durable.workflows.start(TENANT, "double", {"n": 1}, key="k") == await durable.workflows.start(
        TENANT, "double", {"n": 1}, key="k"
    )
    with pytest.raises(WorkflowRefused) as refused:
        await durable.workflows.start(TENANT, "double", {"n": 2}, key="k")
    assert refused.value.failure.code == "conflict"
    assert len((await durable.workflows.runs(TENANT)).runs) == 1


async def test_what_is_wrong_with_a_start_is_said_whole(durable: Durable) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "unit": {"enum": ["m", "s"]}}, "required": ["n"]}
    durable.add("double", double, input_schema=schema)
    refusals: list[tuple[tuple[str, Mapping[str, Json], str | None], str, str | None]] = [
        (("doubel", {"n": 1}, None), "not_found", "did you mean double?"),
        (("double", {"unit": "x"}, None), "invalid_arguments", None),
        (("double", {"n": 1}, "a:b"), "invalid_arguments", "where a source's ids may have any, hash them"),
        (("double", {"n": 1, "much": "x" * 300_000}, None), "too_large", "keep it elsewhere, and give its id"),
    ]
    for (name, given, key), code, hint in refusals:
        with pytest.raises(WorkflowRefused) as refused:
            await durable.workflows.start(TENANT, name, given, key=key)
        assert (refused.value.failure.code, refused.value.failure.hint) == (code, hint)
        if given == {"unit": "x"}:
            assert {fault["path"] for fault in refused.value.failure.faults} == {"arguments.n", "arguments.unit"}


async def test_a_step_is_tried_again_as_often_as_its_retry_says(durable: Durable) -> None:
    tries: list[int] = []

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def work() -> Json:
            tries.append(1)
            if len(tries) < given["succeeds_at"]:
                raise ToolError(UNTIL_NOW)
            return len(tries)

        return await run.step("flaky", work, retry=NOW)

    durable.add("flaky", body)
    view = await durable.ran("flaky", {"succeeds_at": 3})
    assert (view.state, view.result, view.steps[0].attempts) == ("succeeded", 3, 3)
    tries.clear()
    view = await durable.ran("flaky", {"succeeds_at": 9})
    assert (view.state, len(tries)) == ("failed", 3)
    assert view.failure is not None
    assert (view.failure.code, view.failure.message) == ("upstream_error", "step 'flaky': not yet")


async def test_a_permanent_fault_is_not_tried_again_and_a_body_may_go_on_without_the_step(durable: Durable) -> None:
    tries: list[int] = []

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def work() -> Json:
            tries.append(1)
            raise PermanentFault(Failure("gone", "there is nothing any more"))

        try:
            await run.step("gone", work, retry=NOW)
        except StepFailed as error:
            return error.failure.code

    durable.add("gone", body)
    view = await durable.ran("gone")
    assert (view.state, view.result, len(tries)) == ("succeeded", "gone", 1)


async def test_a_step_that_takes_too_long_or_raises_tells_no_secret(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def slow() -> Json:
            await anyio.sleep_forever()

        async def broken() -> Json:
            raise ValueError("token sk-secret")

        failures = []
        for name, work in (("slow", slow), ("broken", broken)):
            try:
                await run.step(name, work, timeout_s=0.01)
            except StepFailed as error:
                failures.append(error.failure.message)
        return failures

    durable.add("both", body)
    view = await durable.ran("both")
    assert view.result == ["the step took longer than 0.01 s", "the step raised ValueError"]
    assert "sk-secret" not in repr(view)


async def test_a_result_that_is_no_json_or_too_large_ends_the_run(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def work() -> Json:
            return {1, 2} if given["kind"] == "set" else "x" * 300_000

        return await run.step("give", work, retry=NOW)

    durable.add("give", body)
    for kind, code in (("set", "invalid_result"), ("large", "too_large")):
        view = await durable.ran("give", {"kind": kind})
        assert view.failure is not None
        assert (view.state, view.failure.code, view.steps[0].attempts) == ("failed", code, 1)


async def test_two_steps_of_one_name_and_too_many_steps_end_the_run(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        for n in range(5):
            await run.now_us("same" if given["same"] else f"step {n}")
        return None

    durable.add("many", body, limits=Limits(max_steps=3))
    for same, code in ((True, "invalid_workflow"), (False, "limit_exceeded")):
        view = await durable.ran("many", {"same": same})
        assert view.failure is not None
        assert (view.state, view.failure.code) == ("failed", code)


async def test_steps_run_side_by_side(durable: Durable) -> None:
    meeting = anyio.Event()

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def waits() -> Json:
            await meeting.wait()
            return "met"

        async def comes() -> Json:
            meeting.set()
            return "came"

        found: dict[str, Json] = {}

        async def branch(name: str) -> None:
            found[name] = await run.step(name, waits if name == "waits" else comes)

        async with anyio.create_task_group() as group:
            group.start_soon(branch, "waits")
            group.start_soon(branch, "comes")
        return found

    durable.add("branches", body)
    assert (await durable.ran("branches")).result == {"waits": "met", "comes": "came"}


async def test_what_a_step_writes_and_its_record_are_one_transaction(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        def work(writes: Writes) -> Json:
            writes.marks.put("until", (writes.marks.get("until") or 0) + 1)
            started = writes.enqueue("double", {"n": 2}, key="from-step")
            if given["fails"]:
                raise PermanentFault(Failure("refused", "no"))
            return started

        return await run.transact("write", work)

    durable.add("double", double)
    durable.add("writes", body)
    failed = await durable.ran("writes", {"fails": True})
    assert failed.state == "failed"
    assert [run.workflow for run in (await durable.workflows.runs(TENANT)).runs] == ["writes"]
    written = await durable.ran("writes", {"fails": False})
    assert written.result == "acme:double:from-step"
    assert (await durable.ended("acme:double:from-step")).result == 4


async def test_a_call_goes_through_the_door_with_the_key_of_run_and_step(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        return await run.call("create", "crm.deals.create", {"name": "Kahuna"})

    durable.add("calls", body)
    view = await durable.ran("calls", key="k", acts_for=ActsFor("ada", frozenset({"mcp"})))
    assert (view.result, view.acts_for) == ({"name": "Kahuna"}, "ada")
    assert durable.door.calls == [("crm.deals.create", "acme:calls:k:create")]


async def test_a_run_that_waits_for_a_signal_gets_each_value_once(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        first = await run.wait("first", "approved", 60)
        second = await run.wait("second", "approved", 60)
        return [first, second, await run.wait("none", "approved", 0)]

    durable.add("waits", body)
    run_id = await durable.workflows.start(TENANT, "waits", {})
    for key, value in (("a", "yes"), ("a", "yes"), ("b", "really")):
        await durable.workflows.signal(TENANT, run_id, "approved", value, key=key)
    assert (await durable.ended(run_id)).result == ["yes", "really", None]
    with pytest.raises(WorkflowRefused, match="has ended"):
        await durable.workflows.signal(TENANT, run_id, "approved", "late", key="c")


async def test_runs_that_wait_take_no_place(sql_database: Database) -> None:
    """Eight that wait for what the ninth does would wait for ever."""

    async def waits(run: Run, given: Mapping[str, Json]) -> Json:
        return await run.wait("for it", "go", 3600)

    async with running(durable_on(sql_database, places=2)) as durable:
        durable.add("waits", waits)
        durable.add("double", double)
        waiting = [await durable.workflows.start(TENANT, "waits", {}, key=str(n)) for n in range(3)]
        assert (await durable.ran("double", {"n": 1})).result == 2
        for run_id in waiting:
            await durable.workflows.signal(TENANT, run_id, "go", run_id, key="k")
        assert [(await durable.ended(run_id)).result for run_id in waiting] == waiting


async def test_a_sleep_is_over_at_its_time_in_whichever_process(sql_database: Database) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        before = await run.now_us("before")
        await run.sleep("a while", given["seconds"])
        return await run.now_us("after") - before

    async with running(durable_on(sql_database)) as durable:
        durable.add("sleeps", body)
        short = await durable.workflows.start(TENANT, "sleeps", {"seconds": 0.02})
        run_id = await durable.workflows.start(TENANT, "sleeps", {"seconds": 1.0})
        assert (await durable.ended(short)).result >= 20_000
        await until(lambda: durable.is_in(run_id, "waiting"))
    async with running(durable_on(sql_database, durable.registry)) as other:
        assert (await other.ended(run_id)).result >= 1_000_000


async def test_a_run_is_cancelled_before_its_next_step(durable: Durable) -> None:
    begun, goes_on = anyio.Event(), anyio.Event()
    done: list[str] = []

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def first() -> Json:
            begun.set()
            await goes_on.wait()
            done.append("first")
            return 1

        async def second() -> Json:
            done.append("second")
            return 2

        return [await run.step("first", first), await run.step("second", second)]

    durable.add("steps", body)
    run_id = await durable.workflows.start(TENANT, "steps", {})
    await begun.wait()
    assert await durable.workflows.cancel(TENANT, run_id)
    goes_on.set()
    view = await durable.ended(run_id)
    assert (view.state, done, [step.name for step in view.steps]) == ("cancelled", ["first"], ["first"])
    assert not await durable.workflows.cancel(TENANT, run_id)


async def test_a_run_that_waits_or_is_queued_is_cancelled_at_once(durable: Durable) -> None:
    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        return await run.wait("for it", "go", 3600)

    durable.add("waits", body)
    waiting = await durable.workflows.start(TENANT, "waits", {})
    later = await durable.workflows.start(TENANT, "waits", {}, at_us=now_us() + HOUR_US)
    await until(lambda: durable.is_in(waiting, "waiting"))
    assert await durable.workflows.cancel(TENANT, waiting)
    assert await durable.workflows.cancel(TENANT, later)
    assert (await durable.ended(waiting)).state == (await durable.ended(later)).state == "cancelled"


async def test_a_failed_run_is_resumed_where_it_stopped_and_named_steps_run_again(durable: Durable) -> None:
    ran: list[str] = []
    is_mended = False

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def note(name: str) -> Json:
            ran.append(name)
            if name == "three" and not is_mended:
                raise PermanentFault(Failure("refused", "not yet mended"))
            return len(ran)

        for name in ("one", "two", "three"):
            await run.step(name, lambda name=name: note(name))  # type: ignore[misc]
        return await run.call("call", "crm.read", {})

    durable.add("steps", body)
    run_id = (await durable.ran("steps", key="k")).run_id
    assert ran == ["one", "two", "three"]
    is_mended = True
    await durable.workflows.resume(TENANT, run_id)
    assert (await durable.ended(run_id)).state == "succeeded"
    assert ran == ["one", "two", "three", "three"]
    with pytest.raises(WorkflowRefused, match="is succeeded"):
        await durable.workflows.resume(TENANT, run_id, again=["one"])


async def test_steps_that_are_asked_for_again_run_again_and_none_besides(durable: Durable) -> None:
    ran: list[str] = []

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def note(name: str) -> Json:
            ran.append(name)
            return name

        for name in ("one", "two"):
            await run.step(name, lambda name=name: note(name))  # type: ignore[misc]
        await run.call("call", "crm.create", {})
        if len(ran) == 2:
            raise PermanentFault(Failure("refused", "once"))
        return None

    durable.add("steps", body)
    run_id = (await durable.ran("steps", key="k")).run_id
    with pytest.raises(WorkflowRefused) as refused:
        await durable.workflows.resume(TENANT, run_id, again=["won", "tow"])
    assert [fault["value"] for fault in refused.value.failure.faults] == ["tow", "won"]
    await durable.workflows.resume(TENANT, run_id, again=["one", "call"])
    assert (await durable.ended(run_id)).state == "succeeded"
    assert ran == ["one", "two", "one"]
    assert [key for _operation, key in durable.door.calls] == ["acme:steps:k:call", "acme:steps:k:call:1"]


async def test_runs_are_listed_newest_first_page_by_page(durable: Durable) -> None:
    durable.add("double", double)
    started = [await durable.workflows.start(TENANT, "double", {"n": n}, key=str(n)) for n in range(5)]
    for run_id in started:
        await durable.ended(run_id)
    first = await durable.workflows.runs(TENANT, limit=3)
    rest = await durable.workflows.runs(TENANT, limit=3, cursor=first.next_cursor)
    assert [run.run_id for run in (*first.runs, *rest.runs)] == started[::-1]
    assert rest.next_cursor is None
    assert not (await durable.workflows.runs(TENANT, states=["failed"])).runs
    assert not (await durable.workflows.runs(TENANT, workflow="other")).runs
    with pytest.raises(WorkflowRefused, match="cursor"):
        await durable.workflows.runs(TENANT, cursor="nonsense")


async def test_another_tenants_runs_are_like_none(durable: Durable) -> None:
    durable.add("double", double)
    run_id = (await durable.ran("double", {"n": 1})).run_id
    assert await durable.workflows.show("globex", run_id) is None
    assert not (await durable.workflows.runs("globex")).runs
    for attempt in (
        durable.workflows.cancel("globex", run_id),
        durable.workflows.resume("globex", run_id),
        durable.workflows.signal("globex", run_id, "go", 1, key="k"),
    ):
        with pytest.raises(WorkflowRefused, match="there is no run"):
            await attempt
    assert await durable.workflows.forget("globex") == 0
    assert await durable.workflows.forget(TENANT) == 1
    assert await durable.workflows.show(TENANT, run_id) is None


async def test_a_tenant_with_a_hundred_runs_lets_the_other_go_before(sql_database: Database) -> None:
    order: list[str] = []

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        order.append(run.tenant_id)
        return None

    durable = durable_on(sql_database, places=2)
    durable.add("quick", body)
    for n in range(20):
        await durable.workflows.start(TENANT, "quick", {}, key=str(n))
    last = await durable.workflows.start("globex", "quick", {})
    async with running(durable):
        await until(lambda: order.count(TENANT) == 20 and "globex" in order)
    assert order.index("globex") < 4, last


async def test_runs_that_go_on_and_on_make_way_for_another_tenants(sql_database: Database) -> None:
    durable = durable_on(sql_database, places=2, slice_s=0.0)
    is_over = anyio.Event()

    async def endless(run: Run, given: Mapping[str, Json]) -> Json:
        async def work() -> Json:
            await anyio.sleep(0.01)
            return is_over.is_set()

        steps = 0
        while not await run.step(str(steps), work):
            steps += 1
        return steps

    durable.add("endless", endless)
    durable.add("double", double)
    async with running(durable):
        long = [await durable.workflows.start(TENANT, "endless", {}) for _ in range(4)]
        await until(lambda: durable.engine.in_hand == 2)
        run_id = await durable.workflows.start("globex", "double", {"n": 1})

        async def has_ended() -> bool:
            view = await durable.workflows.show("globex", run_id)
            return view is not None and view.state == "succeeded"

        await until(has_ended)
        is_over.set()
        views = [await durable.ended(each) for each in long]
    # Each goes on where it made way: no step ran twice.
    assert [view.state for view in views] == ["succeeded"] * 4
    assert {step.attempts for view in views for step in view.steps} == {1}


async def test_a_run_ends_with_the_version_that_it_began_with(sql_database: Database) -> None:
    async def old(run: Run, given: Mapping[str, Json]) -> Json:
        await run.now_us("begun")
        return [await run.wait("for it", "go", 3600), "old"]

    async def new(run: Run, given: Mapping[str, Json]) -> Json:
        return "new"

    durable = durable_on(sql_database)
    durable.add("changed", old, version="1")
    async with running(durable):
        run_id = await durable.workflows.start(TENANT, "changed", {})
        await until(lambda: durable.is_in(run_id, "waiting"))
        durable.add("changed", new, version="2")
        assert (await durable.ran("changed")).result == "new"
        await durable.workflows.signal(TENANT, run_id, "go", 1, key="k")
        assert (await durable.ended(run_id)).result == [1, "old"]


async def test_what_has_ended_long_ago_is_forgotten_and_what_webhooks_brought_earlier(durable: Durable, sql_database: Database) -> None:
    durable.add("double", double)
    kept = await durable.ran("double", {"n": 1}, key="kept")
    brought = await durable.ran("double", {"n": 1}, key="brought", started_by="webhook")
    open_run = await durable.workflows.start(TENANT, "double", {"n": 1}, at_us=now_us() + HOUR_US)
    records = SqlRunRecords(sql_database)
    await records.sweep(before_us=0, webhooks_before_us=2**52)
    assert await durable.workflows.show(TENANT, brought.run_id) is None
    assert await durable.workflows.show(TENANT, kept.run_id) is not None
    await records.sweep(before_us=2**52, webhooks_before_us=2**52)
    assert [run.run_id for run in (await durable.workflows.runs(TENANT)).runs] == [open_run]
    async with sql_database.read() as connection:
        assert (await connection.execute(select(workflow_steps))).first() is None


async def test_a_start_that_was_put_off_is_left_alone_where_a_clock_that_was_ahead_put_off_others(sql_database: Database) -> None:
    durable = durable_on(sql_database)
    durable.add("double", double)
    store = SqlRunStore(sql_database, writes_within(CONTEXT, DOCUMENTS))
    in_an_hour = now_us() + HOUR_US
    for key in ("begun", "started by it", "later", "waits"):
        await durable.workflows.start(TENANT, "double", {"n": 1}, key=key, at_us=in_an_hour)
    # What a process wrote whose clock was an hour ahead, and what is put off by itself.
    written = {
        "begun": {"updated_at": in_an_hour, "attempt": 1, "due_at": in_an_hour + 9},
        "started by it": {"updated_at": in_an_hour, "due_at": in_an_hour},
        "later": {"updated_at": in_an_hour, "due_at": in_an_hour + HOUR_US},
        "waits": {"attempt": 1},
    }
    async with sql_database.write() as connection:
        for key, values in written.items():
            of_run = (workflow_runs.c.tenant_id == TENANT, workflow_runs.c.run_id == f"{TENANT}:double:{key}")
            await connection.execute(update(workflow_runs).where(*of_run).values(**values))
    assert await store.bring_forward() == 2
    assert await store.bring_forward() == 0
    claims = await store.claim("one", 8, {}, ())
    assert {claim.run_id.rpartition(":")[2] for claim in claims} == {"begun", "started by it"}


async def test_a_process_ends_in_time_though_the_store_is_away(sql_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others take its runs when it is silent; whoever stops it must not wait for a store."""
    monkeypatch.setattr(engine, "DRAIN_S", 0.1)
    begun, is_away = anyio.Event(), False
    durable = durable_on(sql_database)
    transact = sql_database.transact

    async def gone(*given: Any, **more: Any) -> Any:
        if is_away:
            raise StoreUnavailable from OperationalError("", {}, ConnectionError("gone"))
        return await transact(*given, **more)

    async def body(run: Run, given: Mapping[str, Json]) -> Json:
        async def work() -> Json:
            begun.set()
            await anyio.sleep_forever()

        return await run.step("long", work, timeout_s=600)

    durable.add("long", body)
    monkeypatch.setattr(sql_database, "transact", gone)
    with anyio.fail_after(30):
        async with running(durable):
            run_id = await durable.workflows.start(TENANT, "long", {})
            await begun.wait()
            is_away = True
    assert await durable.is_in(run_id, "running")
