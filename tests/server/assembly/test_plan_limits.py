"""The plan of a tenant says how many calls an hour of each of its people go out to other systems."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.principal import Principal
from oauth.tenants import Tenant
from server.app import Gateway
from server.config_versions.read_document import read_toml
from tests.gateway import NOWHERE, bring_openapi, opened
from tests.tools.stand_ins import CLIENT
from tests.waiting import until
from tools.operation import CallOptions, Failure

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "CRM", "version": "1"},
    "servers": [{"url": NOWHERE}],
    "paths": {"/deals": {"get": {"operationId": "listDeals", "responses": {"200": {"description": "deals"}}}}},
}
ADA = Principal("default", "ada", "client-1", frozenset({"mcp", "mcp:read"}), "grant-1")
BOB, EVE = replace(ADA, subject="bob"), replace(ADA, tenant_id="acme", subject="eve")
TWO_AN_HOUR = b"[plans.requests_per_hour]\nsmall = 2\n"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    (tmp_path / "crm.json").write_text(json.dumps(DOCUMENT))
    async with opened(tmp_path / "data") as gateway:
        await gateway.store.tenants.add(Tenant("acme", "Acme"))
        await bring_openapi(gateway, tmp_path / "crm.json", "crm")
        await until(lambda: "acme" in gateway.tenants.live)
        yield gateway


async def failure(gateway: Gateway, who: Principal, options: CallOptions = CallOptions()) -> Failure:
    [operation] = [each for each in gateway.operations.catalog.visible(who.tenant_id).operations_by_id if each.startswith("crm.")]
    outcome = await gateway.operations.dispatcher.call(who, operation, {}, client=CLIENT, options=options)
    return outcome.error or Failure(outcome.status, "")


async def let_out(gateway: Gateway, who: Principal, times: int) -> list[bool]:
    """Say of each of so many calls whether it was let out; nothing listens where they go."""
    return [(await failure(gateway, who)).code != "rate_limited" for _ in range(times)]


async def put_on(gateway: Gateway, tenant_id: str, plan: str) -> None:
    tenant = gateway.tenants.live[tenant_id]
    assert await gateway.store.tenants.save(replace(tenant, plan=plan), tenant)
    await until(lambda: gateway.tenants.live[tenant_id].plan == plan)


async def apply(gateway: Gateway, document: bytes) -> None:
    version = gateway.config.version + 1
    await gateway.store.config_versions.put(read_toml(document), "an operator")
    await until(lambda: gateway.config.version == version)


async def test_each_person_has_as_many_calls_as_the_plan_of_the_tenant_says(gateway: Gateway) -> None:
    await apply(gateway, TWO_AN_HOUR)
    assert await let_out(gateway, ADA, 3) == [True, True, True], "nobody is on a plan"
    await put_on(gateway, "default", "small")
    assert await let_out(gateway, ADA, 3) == [True, True, False]
    assert await let_out(gateway, BOB, 1) == [True]
    assert await let_out(gateway, EVE, 3) == [True, True, True], "another tenant"
    refused = await failure(gateway, ADA)
    assert "2 calls an hour of the plan 'small'" in refused.message
    assert refused.retryable
    assert refused.retry_after_s == pytest.approx(1_800, abs=60)
    assert not refused.sent


async def test_a_default_holds_for_whoever_is_on_no_plan_and_another_plan_at_once(gateway: Gateway) -> None:
    await apply(gateway, b'[plans]\ndefault = "small"\n' + TWO_AN_HOUR)
    assert await let_out(gateway, EVE, 3) == [True, True, False]
    await put_on(gateway, "acme", "pro")
    assert await let_out(gateway, EVE, 3) == [True, True, True]
    await put_on(gateway, "acme", "withdrawn")
    assert await let_out(gateway, EVE, 1) == [False], "what is no plan is the default"
    await apply(gateway, b"")
    assert await let_out(gateway, EVE, 3) == [True, True, True]


async def test_what_is_only_looked_at_is_not_counted(gateway: Gateway) -> None:
    await apply(gateway, TWO_AN_HOUR)
    await put_on(gateway, "default", "small")
    for _ in range(3):
        assert (await failure(gateway, ADA, CallOptions(dry_run=True))).code == "ok"
    assert await let_out(gateway, ADA, 3) == [True, True, False]
