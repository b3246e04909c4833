"""Every store of `tools/stores.py`, against both implementations."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from server.storage.database import Database
from server.storage.memory.tools import (
    MemoryIdempotencyStore,
    MemoryOperationStore,
    MemoryPlanStore,
    MemoryResultStore,
    MemoryUsageStore,
)
from server.storage.migrate import migrate
from server.storage.tools.kept_calls import SqlIdempotencyStore, SqlPlanStore, SqlResultStore
from server.storage.tools.operations import SqlOperationStore
from server.storage.tools.quarantine import SqlQuarantineStore
from server.storage.tools.usage_examples import SqlUsageStore
from tests.contracts.databases import url_of
from tests.tools.stand_ins import ADA, BOB, operation
from tools.catalog.quarantine import HeldTool
from tools.operation import Paging
from tools.stores import (
    IdempotencyStore,
    KeyConflict,
    KeyInFlight,
    OperationStore,
    PlanStore,
    ResultStore,
    Source,
    UsageExample,
    UsageStore,
)

STRANGERS = (BOB, replace(ADA, tenant_id="other"))
CRM = Source("crm", None, "openapi", "https://crm.test/openapi.json", "CRM", {"include": ["*"]})
ACMES = replace(CRM, tenant_id="acme")


@dataclass
class Stores:
    operations: OperationStore
    results: ResultStore
    keys: IdempotencyStore
    plans: PlanStore
    usage: UsageStore


@pytest.fixture
def stores(database: Database | None) -> Stores:
    return stores_in_memory() if database is None else stores_on(database)


def stores_in_memory() -> Stores:
    return Stores(
        MemoryOperationStore(),
        MemoryResultStore(),
        MemoryIdempotencyStore(),
        MemoryPlanStore(),
        MemoryUsageStore(),
    )


def stores_on(database: Database) -> Stores:
    return Stores(
        SqlOperationStore(database),
        SqlResultStore(database),
        SqlIdempotencyStore(database),
        SqlPlanStore(database),
        SqlUsageStore(database),
    )


async def test_an_import_is_read_back_as_it_was(stores: Stores) -> None:
    """OperationStore.replace and load: every member of an operation survives."""
    full = replace(
        operation(
            "crm.contacts.search", tags=("crm", "people"), paging=Paging("cursor", "after", "results", "paging.next"), connection="crm"
        ),
        connection_scopes=frozenset({"contacts.read", "contacts.list"}),
        binding={"method": "GET", "path": "/contacts/{id}"},
        example={"query": "Ada"},
        deprecated=True,
    )
    await stores.operations.replace(CRM, [full])
    assert list(await stores.operations.load()) == [full]
    assert list(await stores.operations.sources(None)) == [CRM]


async def test_a_second_import_says_what_it_changes_and_compare_changes_nothing(stores: Stores) -> None:
    """ImportDiff: added, changed, removed, riskier, unchanged."""
    stays, goes, changes = operation("crm.a.get"), operation("crm.b.get"), operation("crm.c.get")
    await stores.operations.replace(CRM, [stays, goes, changes])
    risen, new = operation("crm.c.get", "destructive"), operation("crm.d.get")
    given = [stays, risen, new]
    expected = (("crm.d.get",), ("crm.c.get",), ("crm.b.get",), ("crm.c.get",), 1)
    compared = await stores.operations.compare(CRM, given)
    assert (compared.added, compared.changed, compared.removed, compared.riskier, compared.unchanged) == expected
    assert {each.id for each in await stores.operations.load_provider(None, "crm")} == {stays.id, goes.id, changes.id}
    replaced = await stores.operations.replace(CRM, given)
    assert replaced == compared
    assert {each.id: each.access for each in await stores.operations.load_provider(None, "crm")} == {
        "crm.a.get": "read",
        "crm.c.get": "destructive",
        "crm.d.get": "read",
    }


async def test_tenants_keep_their_own_operations_under_the_same_provider(stores: Stores) -> None:
    """Invariant: the tenant is the isolation boundary."""
    await stores.operations.replace(CRM, [operation("crm.a.get")])
    await stores.operations.replace(ACMES, [operation("crm.a.get", "write", tenant_id="acme")])
    assert [each.access for each in await stores.operations.load_provider("acme", "crm")] == ["write"]
    assert await stores.operations.remove("acme", "crm") == 1
    assert await stores.operations.remove("acme", "crm") == 0
    assert [each.access for each in await stores.operations.load()] == ["read"]
    assert list(await stores.operations.sources("acme")) == []


async def test_some_operations_of_a_source_are_amended_and_the_rest_stays(stores: Stores) -> None:
    """OperationStore.amend; a source that was removed meanwhile brings nothing back."""
    await stores.operations.replace(CRM, [operation("crm.a.get"), operation("crm.b.get"), operation("crm.c.get")])
    await stores.operations.amend(None, "crm", [operation("crm.b.get", "write"), operation("crm.d.get")], ["crm.c.get"])
    known = {each.id: each.access for each in await stores.operations.load_provider(None, "crm")}
    assert known == {"crm.a.get": "read", "crm.b.get": "write", "crm.d.get": "read"}
    await stores.operations.amend("acme", "crm", [operation("crm.a.get", tenant_id="acme")])
    assert await stores.operations.load_provider("acme", "crm") == []


async def test_what_is_held_of_a_source_is_read_back_as_it_was(sql_database: Database) -> None:
    """QuarantineStore: the whole of one source in one step; other owners' sources stay apart."""
    operations, quarantine = SqlOperationStore(sql_database), SqlQuarantineStore(sql_database)
    for source in (CRM, ACMES):
        await operations.replace(source, [operation("crm.a.get", tenant_id=source.tenant_id)])
    changed = HeldTool(
        None, "crm", "get_a", "crm.a.get", "changed", "acme", "pin", {"name": "get_a"}, ("description",), ("access rises",), "sub_1"
    )
    gone, new = HeldTool(None, "crm", "b" * 2_000, "crm.b.get", "gone"), HeldTool("acme", "crm", "get_c", "crm.c.get", "new")
    await quarantine.hold(None, "crm", [changed, gone])
    await quarantine.hold("acme", "crm", [new])
    assert list(await quarantine.held_of(None, "crm")) == [gone, changed]
    assert sorted(each.tool for each in await quarantine.load_held()) == sorted([gone.tool, "get_a", "get_c"])
    await quarantine.hold(None, "crm", [gone])
    assert list(await quarantine.held_of(None, "crm")) == [gone]
    assert list(await quarantine.held_of("acme", "crm")) == [new]
    assert list(await quarantine.held_of("other", "crm")) == []


async def test_a_kept_result_answers_only_who_got_it(stores: Stores) -> None:
    """ResultStore: expired, unknown and foreign handles look alike."""
    handle = await stores.results.put(ADA, b"[1]", "application/json", 60)
    assert await stores.results.get(ADA, handle) == (b"[1]", "application/json")
    assert [await stores.results.get(stranger, handle) for stranger in STRANGERS] == [None, None]
    assert await stores.results.get(ADA, "r_invented") is None
    assert await stores.results.get(ADA, await stores.results.put(ADA, b"[1]", "application/json", 0)) is None


async def test_a_key_runs_once_and_then_answers_from_the_record(stores: Stores) -> None:
    """IdempotencyStore: begin, finish; in flight and conflict are told apart."""
    assert await stores.keys.begin(ADA, "k", "hash-1", 60) is None
    with pytest.raises(KeyInFlight):
        await stores.keys.begin(ADA, "k", "hash-1", 60)
    await stores.keys.finish(ADA, "k", b"outcome")
    assert await stores.keys.begin(ADA, "k", "hash-1", 60) == b"outcome"
    with pytest.raises(KeyConflict):
        await stores.keys.begin(ADA, "k", "hash-2", 60)


async def test_keys_of_others_are_other_keys(stores: Stores) -> None:
    """Invariant: no two subjects share a key."""
    await stores.keys.begin(ADA, "k", "hash-1", 60)
    assert [await stores.keys.begin(stranger, "k", "hash-2", 60) for stranger in STRANGERS] == [None, None]


async def test_an_abandoned_or_expired_key_can_be_used_again(stores: Stores) -> None:
    """A call that did not reach the upstream gives its key back."""
    await stores.keys.begin(ADA, "k", "hash-1", 60)
    await stores.keys.abandon(ADA, "k")
    assert await stores.keys.begin(ADA, "k", "hash-2", 0) is None
    assert await stores.keys.begin(ADA, "k", "hash-3", 60) is None


async def test_a_plan_keeps_its_steps_for_its_owner(stores: Stores) -> None:
    """PlanStore: durable record of what finished."""
    handle = await stores.plans.open(ADA, b"plan", 60)
    await stores.plans.save_step(ADA, handle, "a", b"1")
    await stores.plans.save_step(ADA, handle, "a", b"2")
    await stores.plans.save_step(ADA, handle, "b", b"3")
    for stranger in STRANGERS:
        await stores.plans.save_step(stranger, handle, "a", b"forged")
        assert await stores.plans.load(stranger, handle) is None
    assert await stores.plans.load(ADA, handle) == (b"plan", {"a": b"2", "b": b"3"})
    assert await stores.plans.load(ADA, await stores.plans.open(ADA, b"plan", 0)) is None


async def test_uses_add_up_by_tenant_operation_and_intent(stores: Stores) -> None:
    """UsageStore: what the index learns from."""
    ada, other = UsageExample("acme", "crm.a.get", "find it", 1), UsageExample("other", "crm.a.get", "find it", 1)
    await stores.usage.add_uses([ada, other])
    await stores.usage.add_uses([ada, replace(ada, intent="get it")])
    assert list(await stores.usage.load_uses(2)) == [replace(ada, uses=2)]
    assert len(await stores.usage.load_uses(1)) == 3


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_of_many_claims_from_several_processes_one_runs(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """IdempotencyStore.begin: across processes, which here are pools that share nothing."""
    url = url_of(engine, request, tmp_path)
    await migrate(url)
    databases = [Database(url) for _ in range(4)]
    stores = [SqlIdempotencyStore(database) for database in databases]

    async def claim(store: SqlIdempotencyStore) -> str:
        try:
            return "runs" if await store.begin(ADA, "many", "hash", 60) is None else "recorded"
        except KeyInFlight:
            return "in flight"

    outcomes = await asyncio.gather(*(claim(store) for store in stores * 5))
    assert sorted(set(outcomes)) == ["in flight", "runs"]
    assert outcomes.count("runs") == 1
    await stores[0].abandon(ADA, "many")
    for database in databases:
        await database.close()
