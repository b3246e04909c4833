"""`ascend ai verify`: what is well, what is not and what to do, with and without a gateway that runs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from server.app import Gateway
from server.commands.ai.asking import KEY_NAME
from server.commands.ai.verify import Verified, verify
from server.demo.models.provider import DemoProvider, serving_models
from server.http.listen import listen
from tests.command_line import ascend_here
from tests.gateway import opened, served
from tools.ai_gateway.caller_keys import CallerKey

NAMES = ["gateways", "providers' keys", "unified endpoint", "provider endpoint", "logs", "environment"]


@pytest.fixture
async def provider() -> AsyncIterator[DemoProvider]:
    async with serving_models(listen("127.0.0.1", 0)) as serving:
        yield serving


async def set_up(gateway: Gateway, url: str, **more: Any) -> None:
    """Configure the demo provider as `bulk`, with a key that everybody shares."""
    providers = {"demo": {"dialect": "openai", "base_url": f"{url}/v1", "shared_key": True}}
    document = {"providers": providers, "routes": {"bulk": {"targets": ["demo/demo"]}}, **more}
    await gateway.store.ai_configs.put(document, "test")
    await gateway.ai_gateway.config.load()
    secret = ConnectionSecret("sk-demo-0123456789")
    added = await add_key(
        gateway.store.connections, gateway.connections.vault, tenant_id="default", subject="", provider="demo", secret=secret
    )
    await gateway.connections.known.renew("default", [added.account_id])


async def checked(gateway: Gateway) -> dict[str, Verified]:
    found = [each async for each in verify(gateway.settings, "default")]
    assert [each.check for each in found] == NAMES
    return {each.check: each for each in found}


async def test_a_running_gateway_is_asked_over_http(tmp_path: Path, provider: DemoProvider) -> None:
    """At both of its endpoints, with a key that is ended afterwards; the rows of both calls are on record."""
    async with served(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:
        await set_up(gateway, provider.url, gateways={"agents": {"tenant": "default"}})
        await gateway.store.caller_keys.add(CallerKey("key_left", KEY_NAME, "default", created_at_us=1), b"hash", 9)
        found = await checked(gateway)
        assert [each for each in found.values() if not each.ok] == []
        assert "agents (default)" in found["gateways"].said
        for name in ("unified endpoint", "provider endpoint"):
            assert f"asked {gateway.settings.base_url}" in found[name].said
        rows = await gateway.store.model_calls.recent("default", 9)
        assert [(row.gateway, row.provider) for row in rows] == [("agents", "demo"), ("", "demo")]
        keys = await gateway.store.caller_keys.of_tenant("default")
        assert [(key.name, key.revoked_at_us is not None) for key in keys] == [(KEY_NAME, True)] * 2
        assert {key_id for _, key_id in provider.asked} == {"demo"}


async def test_where_none_runs_models_are_asked_in_this_process(tmp_path: Path, provider: DemoProvider) -> None:
    async with opened(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:
        await set_up(gateway, provider.url)
        found = await checked(gateway)
    assert [each for each in found.values() if not each.ok] == []
    assert "asked in this process" in found["provider endpoint"].said


async def test_a_provider_that_refuses_is_told_as_it_says(tmp_path: Path, provider: DemoProvider) -> None:
    async with opened(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:
        await set_up(gateway, provider.url, defaults={"route": "broken"})
        await gateway.store.ai_configs.put(
            {
                "defaults": {"route": "broken"},
                "providers": {"demo": {"dialect": "openai", "base_url": f"{provider.url}/v1", "shared_key": True}},
                "routes": {"broken": {"targets": ["demo/demo?reason=invalid"]}},
                "gateways": {"lost": {"tenant": "nobody"}},
            },
            "test",
        )
        found = await checked(gateway)
    assert [each.check for each in found.values() if not each.ok] == ["gateways", "unified endpoint", "provider endpoint"]
    assert "the demo provider was asked to refuse this" in found["unified endpoint"].said
    assert "lost" in found["gateways"].said


def test_what_is_not_set_up_is_told_with_the_way_out(tmp_path: Path) -> None:
    """Exit 1, six rows for programs, and a variable that sets nothing."""
    said = ascend_here("ai", "verify", "--json", data_dir=tmp_path, environ={"ASCEND_AI_MODLE": "x"})
    rows = json.loads(said.stdout)
    assert (said.returncode, [row["check"] for row in rows]) == (1, NAMES)
    ok = {row["check"]: row["ok"] for row in rows}
    assert ok == dict(zip(NAMES, [True, False, False, False, True, False], strict=True))
    assert "ascend connection add-key workers_ai" in rows[1]["said"]
    assert "ASCEND_AI_MODEL" in rows[5]["said"]


async def test_a_provider_that_knows_no_such_place_leads_to_its_base_url(tmp_path: Path, provider: DemoProvider) -> None:
    """A base URL without its /v1 is what newcomers get wrong first."""
    async with opened(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:
        await set_up(gateway, provider.url, routes={"bulk": {"targets": ["demo/demo?status=404"]}})
        found = await checked(gateway)
    assert "does base_url end as the provider's SDK takes it?" in found["unified endpoint"].said
