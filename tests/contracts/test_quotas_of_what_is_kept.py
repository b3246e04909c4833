"""Results, plans and recorded answers stay within the quotas of persons and tenants."""

import asyncio
from dataclasses import replace

import pytest

from server.storage.database import Database
from server.storage.memory.tools import (
    MemoryIdempotencyStore,
    MemoryPlanStore,
    MemoryResultStore,
)
from server.storage.tools.kept_calls import SqlIdempotencyStore, SqlPlanStore, SqlResultStore
from tests.tools.stand_ins import ADA, BOB
from tools.errors import QuotaExceeded
from tools.quotas import Quota, Quotas
from tools.stores import (
    IdempotencyStore,
    ResultStore,
)

SMALL = Quotas("kept things", Quota(3, 1_000), Quota(5, 2_000), "wait")


def results_of(database: Database | None) -> ResultStore:
    return MemoryResultStore(quotas=SMALL) if database is None else SqlResultStore(database, SMALL)


async def test_results_above_a_persons_quota_push_out_that_persons_oldest_and_nobody_elses(database: Database | None) -> None:
    """By count and by bytes; one person cannot fill the store, nor empty another's part of it."""
    store = results_of(database)
    others = await store.put(BOB, b"bob", "text/plain", 60)
    handles = [await store.put(ADA, b"x", "text/plain", 60) for _ in range(4)]
    assert [await store.get(ADA, handle) is not None for handle in handles] == [False, True, True, True]
    large = await store.put(ADA, b"x" * 999, "text/plain", 60)
    assert [await store.get(ADA, handle) is not None for handle in [*handles, large]] == [False, False, False, True, True]
    assert await store.get(BOB, others) is not None


async def test_a_result_that_no_quota_holds_is_refused_and_pushes_nothing_out(database: Database | None) -> None:
    store = results_of(database)
    handle = await store.put(ADA, b"x", "text/plain", 60)
    with pytest.raises(QuotaExceeded, match="one person"):
        await store.put(ADA, b"x" * 1_001, "text/plain", 60)
    assert await store.get(ADA, handle) is not None


async def test_a_tenant_whose_quota_others_fill_says_so_and_another_tenant_goes_on(database: Database | None) -> None:
    store = results_of(database)
    for subject in ("one", "two"):
        await store.put(replace(ADA, subject=subject), b"x" * 1_000, "text/plain", 60)
    with pytest.raises(QuotaExceeded, match="whole tenant"):
        await store.put(ADA, b"x", "text/plain", 60)
    assert await store.put(replace(ADA, tenant_id="other"), b"x", "text/plain", 60)


async def test_results_kept_at_the_same_moment_stay_within_the_quota(database: Database | None) -> None:
    """Two that count before either has inserted would both find room."""
    store = results_of(database)
    handles = await asyncio.gather(*(store.put(ADA, b"x" * 400, "text/plain", 60) for _ in range(12)))
    assert sum([await store.get(ADA, handle) is not None for handle in handles]) == 2


async def test_plans_count_with_the_results_of_their_steps(database: Database | None) -> None:
    """A plan that grows pushes out older ones of its person; what does not fit even alone is not recorded."""
    store = MemoryPlanStore(quotas=SMALL) if database is None else SqlPlanStore(database, SMALL)
    first = await store.open(ADA, b"p" * 300, 60)
    second = await store.open(ADA, b"p" * 300, 60)
    others = await store.open(BOB, b"p" * 300, 60)
    await store.save_step(ADA, first, "a", b"r" * 100)
    await store.save_step(ADA, second, "a", b"r" * 200)
    assert await store.load(ADA, first) is not None
    await store.save_step(ADA, second, "b", b"r" * 200)
    assert await store.load(ADA, first) is None
    with pytest.raises(QuotaExceeded):
        await store.save_step(ADA, second, "c", b"r" * 400)
    found = await store.load(ADA, second)
    assert found is not None
    assert set(found[1]) == {"a", "b"}
    assert await store.load(BOB, others) is not None


def records_of(database: Database | None, quotas: Quotas) -> IdempotencyStore:
    return MemoryIdempotencyStore(quotas=quotas) if database is None else SqlIdempotencyStore(database, quotas)


async def test_answers_on_record_have_a_bound_in_all_and_the_records_stay(database: Database | None) -> None:
    """Twenty thousand answers of a megabyte were within the quota of keys."""
    store = records_of(database, Quotas("answers on record", Quota(9, 20_000), Quota(9, 30_000), "wait"))
    for key in "ab":
        await store.begin(ADA, key, "hash", 60)
        await store.begin(BOB, key, "hash", 60)
    await store.finish(ADA, "a", b"x" * 15_000)
    with pytest.raises(QuotaExceeded, match="one person"):
        await store.finish(ADA, "b", b"x" * 15_000)
    await store.finish(ADA, "b", b"small")
    assert [await store.begin(ADA, key, "hash", 60) for key in "ab"] == [b"x" * 15_000, b"small"]
    await store.finish(BOB, "a", b"x" * 10_000)
    with pytest.raises(QuotaExceeded, match="whole tenant"):
        await store.finish(BOB, "b", b"x" * 10_000)


async def test_a_person_with_too_many_writes_on_record_is_refused_and_no_record_is_lost(database: Database | None) -> None:
    """A record is what keeps a write from being sent twice: none is forgotten to make room."""
    store = records_of(database, Quotas("records", Quota(3, 1_000), Quota(4, 2_000), "wait"))
    for key in "abc":
        await store.begin(ADA, key, "hash", 60)
        await store.finish(ADA, key, b"done")
    with pytest.raises(QuotaExceeded, match="one person"):
        await store.begin(ADA, "d", "hash", 60)
    assert await store.begin(ADA, "a", "hash", 60) == b"done"
    await store.begin(BOB, "a", "hash", 60)
    with pytest.raises(QuotaExceeded, match="whole tenant"):
        await store.begin(BOB, "b", "hash", 60)
    await store.begin(replace(ADA, tenant_id="other"), "a", "hash", 60)
