"""Definitions are kept by version, tenant by tenant: on both databases."""

from pathlib import Path

import anyio
import pytest

from server.storage.database import Database
from server.storage.workflows.definitions import SqlDefinitionStore
from tests.contracts.databases import empty_database, url_of
from tools.operation import Operation
from tools.workflows.declared.definition import definition_of
from tools.workflows.declared.known_definitions import KnownDefinitions
from tools.workflows.declared.stores import StoredDefinition
from tools.workflows.errors import WorkflowRefused


def stored(name: str = "welcome", text: str = "a", tenant_id: str = "acme") -> StoredDefinition:
    source = {"workflow": name, "title": text, "steps": [{"id": "a", "api": "x", "args": {}}]}
    return StoredDefinition(tenant_id, name, 0, source, definition_of(source).content_hash, {"a": "d1"}, (("a", "b.c"),), "sub_ada", 0)


def operation_of(_tenant: str, _api: str) -> Operation | None:
    return None


async def test_a_definition_comes_back_as_it_was_put(sql_database: Database) -> None:
    store = SqlDefinitionStore(sql_database, now_us=lambda: 17)
    kept = await store.put(stored())
    assert (kept.version, kept.created_at_us) == (1, 17)
    assert await store.get("acme", "welcome") == kept
    assert await store.get("acme", "welcome", 2) is None
    assert await store.get("globex", "welcome") is None


async def test_what_says_the_same_is_no_new_version(sql_database: Database) -> None:
    store = SqlDefinitionStore(sql_database)
    assert [(await store.put(stored(text=text))).version for text in ("a", "a", "b", "a")] == [1, 1, 2, 3]
    await store.put(stored("other"))
    await store.put(stored(tenant_id="globex"))
    assert [(each.name, each.version) for each in await store.newest("acme")] == [("other", 1), ("welcome", 3)]


async def test_a_run_finds_the_version_that_it_began_with(sql_database: Database) -> None:
    """And none where the name was removed and came back with another plan under the same number."""
    store = SqlDefinitionStore(sql_database)
    known = KnownDefinitions(store, operation_of)
    await store.put(stored(text="a"))
    first = await known.find("acme", "welcome", "")
    await store.put(stored(text="b"))
    newest = await known.find("acme", "welcome", "")
    assert first is not None
    assert newest is not None
    assert (first.title, newest.title) == ("a", "b")
    assert await known.find("acme", "welcome", first.version) == first
    for tenant, name, version in (
        ("globex", "welcome", first.version),
        ("acme", "other", ""),
        ("acme", "welcome", "x"),
        ("acme", "welcome", "9.x"),
    ):
        assert await known.find(tenant, name, version) is None
    assert await store.remove("acme", "welcome")
    assert not await store.remove("acme", "welcome")
    await store.put(stored(text="c"))
    assert await KnownDefinitions(store, operation_of).find("acme", "welcome", first.version) is None
    assert [each.title for each in await known.of("acme")] == ["c"]


async def test_a_tenant_has_so_many_definitions_and_no_more(sql_database: Database) -> None:
    store = SqlDefinitionStore(sql_database, max_definitions=2)
    for name in ("a", "b", "a"):
        await store.put(stored(name))
    with pytest.raises(WorkflowRefused):
        await store.put(stored("c"))
    await store.put(stored("c", tenant_id="globex"))
    await store.put(stored("a", text="another version"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_who_apply_at_once_make_two_versions(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = url_of(kind, request, tmp_path)
    async with empty_database(url) as one:
        other = Database(url)
        stores = [SqlDefinitionStore(one), SqlDefinitionStore(other)]
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(stores[number % 2].put, stored(text=str(number)))
        [newest] = await stores[0].newest("acme")
        await other.close()
    assert newest.version == 6
