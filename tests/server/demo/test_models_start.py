"""`serve --demo` and models: a first start answers without anybody's key, and what an operator configured stays theirs."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from server.app import Gateway
from server.demo.models.start import BY, DemoModels, start_models
from tests.gateway import NOWHERE, opened


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path, egress_allow=("127.0.0.1:*",)) as found:
        yield found


async def prepared(gateway: Gateway) -> DemoModels:
    """Start the demo once, as `serve` does, and end it."""
    async with start_models(gateway.settings.data_dir) as demo:
        await demo.prepare(gateway)
    return demo


async def test_a_first_start_gives_a_key_that_models_answer_to(gateway: Gateway) -> None:
    async with start_models(gateway.settings.data_dir) as demo:
        await demo.prepare(gateway)
        [key] = re.findall(r"^model key  (asc_ak_\S+)", "\n".join(demo.lines), re.MULTILINE)
        await gateway.ai_gateway.keys.load()
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app), base_url=NOWHERE) as http:
            body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 50}
            for path, more in (("/v1/chat/completions", {}), ("/v1/messages", {"model": "standard"})):
                answer = await http.post(path, json=body | more, headers={"authorization": f"Bearer {key}"})
                assert (answer.status_code, answer.headers["x-gateway-model"]) == (200, "demo/demo"), answer.text
                assert "You said: hello" in answer.text
                assert float(answer.headers["x-gateway-cost"]) > 0
            failing = {"model": "demo/demo?status=503"} | body
            answer = await http.post("/v1/chat/completions", json=failing, headers={"authorization": f"Bearer {key}"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "demo_fault")


async def test_the_next_start_shows_no_key_and_changes_nothing(gateway: Gateway) -> None:
    first = await prepared(gateway)
    version = await gateway.store.ai_configs.newest()
    async with start_models(gateway.settings.data_dir) as again:
        again.url = first.url
        await again.prepare(gateway)
    assert "asc_ak_" not in "\n".join(again.lines)
    assert "ai key mint NAME --tenant default" in "\n".join(again.lines)
    assert await gateway.store.ai_configs.newest() == version
    assert len(await gateway.store.connections.load()) == 1


async def test_what_an_operator_configured_stays(gateway: Gateway) -> None:
    """One without the demo provider is left alone; one that kept it only has it moved to where it is now."""
    store = gateway.store.ai_configs
    await store.put({"routes": {"bulk": {"targets": ["openai/gpt-5.2"]}}}, "ops")
    assert (await prepared(gateway)).lines == []
    assert (await store.newest()).by == "ops"
    kept = {"dialect": "openai", "base_url": "http://127.0.0.1:1/v1"}
    await store.put({"providers": {"demo": kept}, "routes": {"bulk": {"targets": ["demo/demo"]}}}, "ops")
    demo = await prepared(gateway)
    moved = await store.newest()
    assert moved.document["providers"]["demo"]["base_url"] == f"{demo.url}/v1"
    assert (moved.document["routes"], moved.by) == ({"bulk": {"targets": ["demo/demo"]}}, f"{BY}: moved")
