"""TaskStore of tools/long_work.py, on both databases."""

from dataclasses import replace

import anyio
import pytest

from oauth.principal import Principal
from server.storage.database import Database, now_us
from server.storage.tools.kept_calls import forget_answers, sweep_calls
from server.storage.tools.tasks import SqlTaskStore
from tests.tools.stand_ins import ADA, BOB
from tools.errors import QuotaExceeded
from tools.long_work import Task, TaskRecord
from tools.quotas import MB, Quota, Quotas

HOUR_US = 3_600_000_000
SMALL = Quotas("answers of tasks", Quota(3, MB), Quota(5, MB), "wait")
#: of a person, of a tenant
UNDER_WAY = (4, 6)
STRANGERS = (BOB, replace(ADA, tenant_id="other"), replace(ADA, client_id="client-2"))


def working(name: str, *, lease_us: int = HOUR_US, ttl_us: int = HOUR_US) -> TaskRecord:
    now = now_us()
    return TaskRecord(Task(name, "working", None, now, now, ttl_us // 1000), b"{}", "process-1", now + lease_us, now + ttl_us)


def ended(record: TaskRecord, payload: bytes = b"{}") -> TaskRecord:
    return replace(record, task=replace(record.task, status="completed", payload=payload), work=b"", owner="", lease_until_us=0)


@pytest.fixture
def store(sql_database: Database) -> SqlTaskStore:
    return SqlTaskStore(sql_database, SMALL, UNDER_WAY)


async def begun(store: SqlTaskStore, name: str, principal: Principal = ADA, **options: int) -> TaskRecord:
    record = working(name, **options)
    await store.open(principal, record)
    return record


async def test_a_task_is_found_by_who_began_it_and_by_nobody_else(store: SqlTaskStore) -> None:
    """tasks, "Security Considerations": bound to tenant, person and client; unknown and foreign look alike."""
    record = await begun(store, "t_1")
    assert await store.load(ADA, "t_1") == record
    for stranger in STRANGERS:
        assert await store.load(stranger, "t_1") is None
        assert await store.change(stranger, ended(record)) is None
        await store.ask_to_stop(stranger, "t_1")
    assert await store.load(ADA, "t_2") is None
    assert await store.load(ADA, "t_1") == record


async def test_of_two_changes_of_one_version_one_is_made(store: SqlTaskStore) -> None:
    """Two nodes that read the same never both go on from there."""
    record = await begun(store, "t_1")
    outcomes: list[TaskRecord | None] = []

    async def change(payload: bytes) -> None:
        outcomes.append(await store.change(ADA, ended(record, payload)))

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(change, b"%d" % number)
    [first] = [each for each in outcomes if each is not None]
    assert await store.load(ADA, "t_1") == first
    assert first.version == record.version + 1


async def test_a_wish_to_stop_stays_whatever_its_process_writes(store: SqlTaskStore) -> None:
    record = await begun(store, "t_1")
    await store.ask_to_stop(ADA, "t_1")
    await store.change(ADA, replace(record, task=replace(record.task, message="half of it")))
    found = await store.load(ADA, "t_1")
    assert found is not None
    assert (found.is_stopping, found.task.message) == (True, "half of it")


async def test_a_process_extends_the_leases_of_what_it_runs_and_of_nothing_else(store: SqlTaskStore) -> None:
    mine, done = await begun(store, "t_mine", lease_us=1), await begun(store, "t_done", lease_us=1)
    await store.change(ADA, ended(done))
    other = replace(working("t_other", lease_us=1), owner="process-2")
    await store.open(ADA, other)
    until = now_us() + HOUR_US
    await store.renew("process-1", until)
    leases = [found.lease_until_us for name in ("t_mine", "t_done", "t_other") if (found := await store.load(ADA, name))]
    assert leases == [until, 0, other.lease_until_us]
    assert mine.lease_until_us < until


async def test_a_person_has_only_so_many_under_way_and_what_lost_its_process_is_none_of_them(store: SqlTaskStore) -> None:
    """Decision 0022: counted in the transaction that keeps it."""
    most, _ = UNDER_WAY
    lost = await begun(store, "t_lost", lease_us=1)
    [first, *_] = [await begun(store, f"t_{number}") for number in range(most)]
    with pytest.raises(QuotaExceeded):
        await begun(store, "t_more")
    await begun(store, "t_of_bob", BOB)
    await store.change(ADA, ended(first))
    await begun(store, "t_more")
    assert await store.load(ADA, lost.task.task_id) is not None


async def test_a_tenant_has_only_so_many_under_way(store: SqlTaskStore) -> None:
    each, most = UNDER_WAY
    for number in range(most):
        await begun(store, f"t_{number}", replace(ADA, subject=f"person-{number // each}"))
    with pytest.raises(QuotaExceeded):
        await begun(store, "t_more", BOB)
    await begun(store, "t_elsewhere", replace(ADA, tenant_id="other"))


async def test_what_ended_longest_ago_makes_room_and_what_runs_never_goes(store: SqlTaskStore) -> None:
    running = await begun(store, "t_running", ttl_us=HOUR_US // 2)
    for number in range(4):
        await store.change(ADA, ended(await begun(store, f"t_{number}", ttl_us=HOUR_US + number * 1_000_000)))
    left = [number for number in range(4) if await store.load(ADA, f"t_{number}") is not None]
    assert left == [1, 2, 3]
    assert await store.load(ADA, running.task.task_id) is not None


async def test_a_payload_that_fits_nowhere_is_refused_and_the_task_stays_as_it_was(store: SqlTaskStore) -> None:
    record = await begun(store, "t_1")
    with pytest.raises(QuotaExceeded):
        await store.change(ADA, ended(record, b"x" * (MB + 1)))
    assert await store.load(ADA, "t_1") == record


async def test_expired_tasks_are_gone_and_swept(store: SqlTaskStore, sql_database: Database) -> None:
    await begun(store, "t_old", ttl_us=-1)
    await begun(store, "t_new")
    assert await store.load(ADA, "t_old") is None
    await sweep_calls(sql_database)
    assert await store.load(ADA, "t_new") is not None


async def test_forgetting_what_is_known_forgets_the_tasks_that_may_quote_it(store: SqlTaskStore, sql_database: Database) -> None:
    """Decision 0047: deleted until no byte is left."""
    await begun(store, "t_1")
    await begun(store, "t_2", replace(ADA, tenant_id="other"))
    await forget_answers(sql_database, ADA.tenant_id)
    assert await store.load(ADA, "t_1") is None
    assert await store.load(replace(ADA, tenant_id="other"), "t_2") is not None
