"""The built-ins about the gateway itself."""

from dataclasses import replace

import pytest

from tests.tools.stand_ins import ADA, BOB, DispatcherInMemory, gateway, operation
from tools.operation import Json

ALL = [
    operation("crm.contacts.search", connection="crm", tags=("people",)),
    operation("crm.deals.delete", "destructive", connection="crm"),
    operation("weather.forecast.get"),
    operation("erp.orders.list", tenant_id="other"),
]


async def call(house: DispatcherInMemory, name: str, **arguments: Json) -> Json:
    outcome = await house.call("call_api", {"api": name, "args": arguments})
    assert outcome.status == "ok", outcome
    return outcome.data


async def test_whoami_says_what_the_token_permits() -> None:
    """gateway.account.whoami."""
    data = await call(await gateway([]), "gateway.account.whoami")
    assert (data["tenant"], data["subject"], data["scopes"]) == ({"id": "acme", "title": "Acme"}, "ada", sorted(ADA.scopes))


async def test_the_time_is_given_in_the_zone_asked_for() -> None:
    """gateway.time.now; 1800000000 is 2027-01-15T08:00:00Z."""
    data = await call(await gateway([]), "gateway.time.now", zone="Asia/Tokyo")
    assert (data["utc"], data["local"], data["weekday"]) == ("2027-01-15T08:00:00+00:00", "2027-01-15T17:00:00+09:00", "Friday")


@pytest.mark.parametrize("zone", ["Nowhere", "../../etc/passwd", "/etc/passwd", "\x00", "UTC\n"])
async def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    """Bad input is normal input; a zone name never reaches another file."""
    outcome = await (await gateway([])).call("call_api", {"api": "gateway.time.now", "args": {"zone": zone}})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_arguments"


async def test_providers_are_listed_with_their_operations_and_readiness() -> None:
    """gateway.providers.list; another tenant's provider is not there."""
    providers = {entry["provider"]: entry for entry in (await call(await gateway(ALL), "gateway.providers.list"))["providers"]}
    assert set(providers) == {"crm", "weather", "gateway"}
    assert providers["crm"]["operations"] == {"destructive": 1, "read": 1}
    assert providers["crm"]["connection"] == {"status": "ready", "accounts": ["work"], "default": "work"}
    assert "connection" not in providers["weather"]


async def test_operations_are_listed_page_by_page() -> None:
    """gateway.operations.list pages by cursor like any operation."""
    house = await gateway(ALL)
    assert [row["id"] for row in (await call(house, "gateway.operations.list", provider="crm"))["operations"]] == [
        "crm.contacts.search",
        "crm.deals.delete",
    ]
    assert (await call(house, "gateway.operations.list", access="destructive", prefix="crm."))["total"] == 1
    outcome = await house.call("call_api", {"api": "gateway.operations.list", "args": {"limit": 2}, "page": {"mode": "all"}})
    ids = [row["id"] for row in outcome.data["operations"]]
    assert ids == sorted(ids)
    assert set(ids) == set(house.catalog.visible("acme").operations_by_id)


async def test_an_operation_is_described_in_full() -> None:
    """gateway.operations.describe."""
    house = await gateway(ALL)
    assert (await call(house, "gateway.operations.describe", id="crm.deals.delete"))["confirm"] is True
    unknown = await house.call("call_api", {"api": "gateway.operations.describe", "args": {"id": "erp.orders.list"}})
    assert unknown.error is not None
    assert unknown.error.code == "unknown_operation"


async def test_recent_calls_are_the_callers_own() -> None:
    """gateway.calls.recent and gateway.calls.summary."""
    house = await gateway(ALL)
    for _ in range(2):
        await house.call("call_api", {"api": "weather.forecast.get"})
    await house.call("call_api", {"api": "nope"})
    for stranger in (BOB, replace(ADA, tenant_id="other")):
        await house.call("call_api", {"api": "crm.contacts.search"}, stranger)
    recent = (await call(house, "gateway.calls.recent"))["calls"]
    assert [row["operation"] for row in recent] == ["nope", "weather.forecast.get", "weather.forecast.get"]
    failures = (await call(house, "gateway.calls.recent", failures_only=True))["calls"]
    assert [row["error_code"] for row in failures] == ["unknown_operation"]
    summary = (await call(house, "gateway.calls.summary"))["operations"]
    assert {"operation": "weather.forecast.get", "calls": 2, "failures": 0}.items() <= summary[0].items() or summary[0]["calls"] == 2
