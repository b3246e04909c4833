"""The demo provider of models: its answers are its dialects', and its faults those that the model's name asks for."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from server.demo.models.faults import ModelFaults, UnknownFault, read_faults
from server.demo.models.provider import DemoProvider, serving_models, text_for
from server.http.listen import listen

PROMPT = [{"role": "user", "content": "hello there"}]


@pytest.fixture
async def provider() -> AsyncIterator[DemoProvider]:
    async with serving_models(listen("127.0.0.1", 0)) as serving:
        yield serving


@pytest.fixture
async def http(provider: DemoProvider) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=provider.url, timeout=10) as client:
        yield client


async def chat(http: httpx2.AsyncClient, model: str, **more: object) -> httpx2.Response:
    return await http.post("/v1/chat/completions", json={"model": model, "messages": PROMPT, **more})


async def test_it_answers_as_openai_does(http: httpx2.AsyncClient) -> None:
    whole = (await chat(http, "demo")).json()
    assert whole["choices"][0]["message"]["content"] == text_for("demo", "hello there")
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"]
    lines = (await chat(http, "demo", stream=True, stream_options={"include_usage": True})).text.split("\n\n")[:-1]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]) == text_for(
        "demo", "hello there"
    )
    assert (chunks[-1]["usage"], lines[-1]) == (whole["usage"], "data: [DONE]")


async def test_it_answers_as_anthropic_does(http: httpx2.AsyncClient) -> None:
    body = {"model": "demo", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]}
    whole = (await http.post("/v1/messages", json=body)).json()
    assert whole["content"] == [{"type": "text", "text": text_for("demo", "hello there")}]
    events = (await http.post("/v1/messages", json={**body, "stream": True})).text.split("\n\n")[:-1]
    names = [event.partition("\n")[0].removeprefix("event: ") for event in events]
    assert (names[:3], names[-3:]) == (
        ["message_start", "content_block_start", "content_block_delta"],
        ["content_block_stop", "message_delta", "message_stop"],
    )


async def test_a_models_name_says_what_goes_wrong(http: httpx2.AsyncClient) -> None:
    limited = await chat(http, "demo?status=429&retry_after=7")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert (await chat(http, "demo?reason=context")).json()["error"]["code"] == "context_length_exceeded"
    assert [(await chat(http, "demo?status=503&times=2")).status_code for _ in range(3)] == [503, 503, 200]
    with pytest.raises(httpx2.RemoteProtocolError):
        await chat(http, "demo?cut=3", stream=True)
    with pytest.raises(httpx2.TransportError):
        await chat(http, "demo?reset=1")
    assert "[DONE]" not in (await chat(http, "demo?end=3", stream=True)).text
    assert "[DONE]" not in (await chat(http, "demo?unmarked=1", stream=True)).text


async def test_a_fault_that_is_none_is_no_healthy_answer(http: httpx2.AsyncClient) -> None:
    refused = await chat(http, "demo?statuss=503")
    assert refused.status_code == 400
    assert "'statuss' is no fault" in refused.json()["error"]["message"]
    for body in (b"", b"{", b"[]", b'{"model": "demo"}', b'{"model": "demo", "messages": []}', b'{"model": "demo", "messages": ["x"]}'):
        assert (await http.post("/v1/chat/completions", content=body)).status_code == 400, body
    assert (await http.get("/v1/chat/completions")).status_code == 404


def test_faults_are_read_from_a_name() -> None:
    assert read_faults("demo") == ModelFaults()
    assert read_faults("demo?cut=4&unmarked=1&silent_s=0.5") == ModelFaults(cut=4, unmarked=True, silent_s=0.5)
    for wrong in ("demo?cut=x", "demo?nothing=1"):
        with pytest.raises(UnknownFault):
            read_faults(wrong)
