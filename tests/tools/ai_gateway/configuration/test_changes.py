"""Changes of one value, beside what others change at the same time."""

import asyncio

import pytest

from server.storage.ai_gateway.configurations import SqlAiConfigs
from tools.ai_gateway.configuration.changes import ConfigChanges, NoSuchThing, ThingExists
from tools.ai_gateway.configuration.gateways import create_gateway, delete_gateway, gateway_json, gateways_of
from tools.ai_gateway.configuration.live import LiveConfig
from tools.versioned_documents.faults import ConfigInvalid
from tools.versioned_documents.versions import VersionConflict, version_json

TRIAL = {"experiments": [{"name": "cf", "route": "bulk", "arms": {"b": "standard", "c": "standard"}, "share": {"b": 0.1}}]}
TENANTS = ("default", "acme")


async def test_a_document_is_applied_for_the_version_that_its_writer_has_seen(store: SqlAiConfigs) -> None:
    """If-Match: two administrators do not undo each other's work unseen."""
    changes = ConfigChanges(store)
    assert (await changes.apply(TRIAL, "ada@acme.test", expected=0)).version == 1
    with pytest.raises(VersionConflict) as refused:
        await changes.apply({}, "bob@acme.test", expected=0)
    assert refused.value.newest == 1
    shown = version_json(await store.newest())
    assert (shown["version"], shown["applied_by"], shown["config"]) == (1, "ada@acme.test", TRIAL)


async def test_a_faulty_document_changes_nothing(store: SqlAiConfigs) -> None:
    with pytest.raises(ConfigInvalid, match="no such section"):
        await ConfigChanges(store).apply({"route": {}}, "")
    with pytest.raises(ConfigInvalid, match="must be a table"):
        await ConfigChanges(store).apply([], "")
    assert (await store.newest()).version == 0


async def test_a_share_is_changed_alone_and_checked_with_the_rest(store: SqlAiConfigs) -> None:
    changes = ConfigChanges(store)
    await changes.apply(TRIAL, "")
    await changes.set_shares("cf", {"b": 0.5, "c": 0.2}, "")
    assert (await store.newest()).document["experiments"][0]["share"] == {"b": 0.5, "c": 0.2}
    with pytest.raises(ConfigInvalid, match="add up to 1"):
        await changes.set_shares("cf", {"b": 0.9}, "")
    for share, said in (({"": 0.5}, "say which, as in b=0.5"), ({"d": 0.5}, "no arm 'd'")):
        with pytest.raises(NoSuchThing, match=said):
            await changes.set_shares("cf", share, "")
    with pytest.raises(NoSuchThing, match="no experiment 'cg'"):
        await changes.set_shares("cg", {"b": 0.5}, "")
    assert (await store.newest()).version == 2


async def test_edits_at_the_same_time_are_all_kept(store: SqlAiConfigs) -> None:
    changes = ConfigChanges(store)
    await asyncio.gather(*(create_gateway(changes, {"id": f"g{n}", "tenant": "acme"}, TENANTS, "") for n in range(4)))
    assert set((await store.newest()).document["gateways"]) == {"g0", "g1", "g2", "g3"}


async def test_a_name_is_its_tenants_own(store: SqlAiConfigs) -> None:
    """Who else has it, nobody can tell; each is found and ended by whose it is."""
    changes, live = ConfigChanges(store), LiveConfig(store)
    for tenant in TENANTS:
        made = await create_gateway(changes, {"id": "agents", "tenant": tenant}, TENANTS, "")
        assert (made["id"], made["tenant"]) == ("agents", tenant)
    await live.load()
    assert {("acme", "agents"), ("default", "agents")} <= set(live.current.gateways)
    with pytest.raises(ThingExists):
        await create_gateway(changes, {"id": "agents", "tenant": "default"}, TENANTS, "")
    await delete_gateway(changes, "agents", "acme", "")
    assert [each.tenant_id for each in gateways_of((await store.newest()).document)] == [each for each in TENANTS if each != "acme"]


async def test_gateways_are_made_listed_and_ended(store: SqlAiConfigs) -> None:
    changes, live = ConfigChanges(store), LiveConfig(store)
    made = await create_gateway(changes, {"id": "agents", "tenant": "acme", "requests_per_min": 2}, TENANTS, "ada@acme.test")
    assert made == {"id": "agents", "tenant": "acme", "requests_per_min": 2}
    await live.load()
    assert [gateway_json(each) for each in gateways_of((await store.newest()).document)] == [made]
    with pytest.raises(ThingExists, match="'agents' exists already"):
        await create_gateway(changes, made, TENANTS, "")
    await delete_gateway(changes, "agents", "acme", "")
    with pytest.raises(NoSuchThing, match="no gateway 'agents'"):
        await delete_gateway(changes, "agents", "acme", "")
    await live.load()
    assert gateways_of((await store.newest()).document) == []


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (None, ["id", "tenant"]),
        ({"id": 7, "tenant": "nobody"}, ["id", "tenant"]),
        ({"id": "a", "tenant": "acme", "requests_per_min": 0}, ["gateways.a.requests_per_min"]),
        ({"id": "a/b", "tenant": "acme"}, ["id"]),
        ({"id": "a", "tenant": "acme", "api_key": "sk-123"}, ["gateways.a.api_key"]),
    ],
)
async def test_a_gateway_that_could_not_be_is_refused(store: SqlAiConfigs, asked: object, places: list[str]) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        await create_gateway(ConfigChanges(store), asked, TENANTS, "")
    assert [fault.place for fault in refused.value.faults] == places
    assert "sk-" not in str(refused.value)
