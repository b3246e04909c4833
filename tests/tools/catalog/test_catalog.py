"""What a tenant sees, kept in step with the store."""

from hypothesis import given
from hypothesis import strategies as st

from server.storage.memory.tools import MemoryOperationStore
from tests.tools.stand_ins import gateway, operation
from tools.catalog.catalog import Catalog
from tools.catalog.suggestions import Suggestions
from tools.operation import Operation
from tools.stores import Source


def source(tenant_id: str | None = None, provider: str = "crm") -> Source:
    return Source(provider, tenant_id, "openapi", "file", provider, {})


async def catalog_of(store: MemoryOperationStore) -> Catalog:
    catalog = Catalog(store)
    await catalog.load()
    return catalog


async def test_a_refreshed_provider_replaces_what_it_had_and_nothing_else() -> None:
    """The change feed names a provider; the others stay."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation("crm.a.get"), operation("crm.b.get")])
    await store.replace(source(provider="erp"), [operation("erp.a.get")])
    catalog = await catalog_of(store)
    before = catalog.visible("acme")
    await store.replace(source(), [operation("crm.b.get", "write"), operation("crm.c.get")])
    await catalog.refresh(None, "crm")
    after = catalog.visible("acme")
    assert catalog.get("acme", "crm.a.get") is None
    assert catalog.get("acme", "erp.a.get") is not None
    assert {name: each.access for name, each in after.operations_by_id.items() if name.startswith("crm")} == {
        "crm.b.get": "write",
        "crm.c.get": "read",
    }
    assert before.revision != after.revision
    await store.remove(None, "crm")
    await catalog.refresh(None, "crm")
    assert catalog.visible("acme").providers == ("erp",)


async def test_an_owners_operations_are_told_by_provider() -> None:
    """What an import, a watch or an audit of one source looks at."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation("crm.a.get")])
    await store.replace(source(provider="erp"), [operation("erp.a.get")])
    await store.replace(source("acme"), [operation("crm.own.get", tenant_id="acme")])
    catalog = await catalog_of(store)
    told = {
        (owner, provider): [each.id for each in catalog.operations_of(owner, provider)]
        for owner, provider in ((None, "crm"), (None, None), ("acme", "crm"), ("acme", "erp"))
    }
    assert told == {
        (None, "crm"): ["crm.a.get"],
        (None, None): ["crm.a.get", "erp.a.get"],
        ("acme", "crm"): ["crm.own.get"],
        ("acme", "erp"): [],
    }


async def test_a_tenants_own_operation_stands_before_the_shared_one() -> None:
    """`id` is unique within what one tenant sees."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation("crm.a.get")])
    await store.replace(source("acme"), [operation("crm.a.get", "write", tenant_id="acme")])
    catalog = await catalog_of(store)
    mine, others = catalog.get("acme", "crm.a.get"), catalog.get("other", "crm.a.get")
    assert mine is not None
    assert others is not None
    assert (mine.access, others.access) == ("write", "read")
    assert catalog.visible("acme").operations_by_id["crm.a.get"] is mine
    assert catalog.visible("acme").revision != catalog.visible("other").revision


async def test_a_tenant_needs_accounts_where_operations_that_it_sees_need_them() -> None:
    """`connections.list` and the connections page offer these before anybody has an account there."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation("crm.a.get", connection="crm"), operation("crm.b.get")])
    await store.replace(source(provider="open"), [operation("open.a.get")])
    await store.replace(source("acme", "erp"), [operation("erp.a.get", tenant_id="acme", connection="erp")])
    catalog = await catalog_of(store)
    assert [sorted(catalog.connections(tenant)) for tenant in ("acme", "other")] == [["crm", "erp"], ["crm"]]


async def test_an_import_cannot_take_the_place_of_a_built_in() -> None:
    """Otherwise a document could bring an operation called call_api."""
    impostors = [operation("call_api", "read"), operation("result.read", "read")]
    house = await gateway(impostors)
    for name in ("call_api", "result.read"):
        found = house.catalog.get("acme", name)
        assert found is not None
        assert found.kind == "builtin"


async def test_no_tenant_may_shadow_a_built_in_either() -> None:
    """A tenant's own import is no more trusted than a shared one."""
    house = await gateway([operation("call_api", "read", tenant_id="acme")])
    found = house.catalog.get("acme", "call_api")
    assert found is not None
    assert found.kind == "builtin"


_IDS = st.text(st.sampled_from("abc.-_ÄZ9"), min_size=1, max_size=12)


@given(known=st.lists(_IDS, unique=True, max_size=8), asked=st.text(max_size=200))
async def test_suggestions_are_visible_ids_whatever_was_asked(known: list[str], asked: str) -> None:
    """did_you_mean never invents and never fails."""
    store = MemoryOperationStore()
    given_operations: list[Operation] = [operation(name) for name in known]
    await store.replace(source(), given_operations)
    near = Suggestions(await catalog_of(store)).near("acme", asked)
    assert set(near) <= set(known)
    assert len(near) <= 3


async def test_a_slip_of_the_pen_is_understood() -> None:
    """The nearest comes first."""
    store = MemoryOperationStore()
    await store.replace(source(), [operation(f"crm.{noun}.{verb}") for noun in ("contacts", "deals") for verb in ("search", "create")])
    suggestions = Suggestions(await catalog_of(store))
    for slip in ("crm.contact.search", "crm.contacts.serach", "contacts.search", "CRM.Contacts.Search"):
        assert suggestions.near("acme", slip)[0] == "crm.contacts.search", slip
    assert suggestions.near("acme", "weather.forecast") == ()
