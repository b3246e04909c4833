"""What a provider signed goes back to it as it came, through every caller's history; to others it does not go."""

import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, read_all, target_of, values
from tests.tools.ai_gateway.dialects.translation.spoken import Said, spoken
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.model_request import Surface

SAID = Said("so", "because", (("look", {"a": 1}),))


def history_of(surface: Surface, dialect: Dialect, is_stream: bool) -> dict[str, Any]:
    """Return the next request of a client that gives back what it got."""
    exchange = exchange_of(surface, provider_of(dialect))
    first: dict[str, Any] = {"model": "m", "max_tokens": 9} if surface == "messages" else {"model": "m"}
    question = {"role": "user", "content": "x"}
    whole, stream = spoken(dialect, SAID)
    request = asked(surface, first | ({"input": "x"} if surface == "responses" else {"messages": [question]}))
    if is_stream:
        reader = exchange.reader(request, target_of(dialect))
        out = read_all(reader, stream)[0] + reader.terminal
        got = {"responses": _response, "messages": _message, "chat": _chat}[surface](values(out))
    else:
        answer = json.loads(exchange.whole(request, target_of(dialect), {}, whole).body)
        got = (
            answer["output"] if surface == "responses" else answer["content"] if surface == "messages" else answer["choices"][0]["message"]
        )
    if surface == "responses":
        return {**first, "input": [question, *got]}
    said = got if surface == "chat" else {"role": "assistant", "content": got}
    return {**first, "messages": [question, said]}


def _response(events: list[Any]) -> Any:
    return events[-1]["response"]["output"]


def _message(events: list[Any]) -> Any:
    content: list[Any] = []
    for each in events:
        if each["type"] == "content_block_start":
            content.append(dict(each["content_block"]))
        for name in ("text", "thinking", "signature"):
            if each["type"] == "content_block_delta" and name in each["delta"]:
                content[-1][name] = content[-1].get(name, "") + each["delta"][name]
    return content


def _chat(events: list[Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for each in events:
        for choice in each["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message |= {name: delta[name] for name in ("reasoning_details",) if name in delta}
            for call in delta.get("tool_calls", []):
                if "id" in call:
                    message["tool_calls"] = [{**call, "function": {**call["function"], "arguments": "{}"}}]
    return message


def sent_back(surface: Surface, dialect: Dialect, body: dict[str, Any], model: str = "there") -> Any:
    return json.loads(exchange_of(surface, provider_of(dialect)).request(asked(surface, body), target_of(dialect, model), None).body)


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("surface", ["chat", "responses"])
def test_anthropics_thought_goes_back_signed(surface: Surface, is_stream: bool) -> None:
    made = sent_back(surface, "anthropic", history_of(surface, "anthropic", is_stream))
    assert made["messages"][1]["content"][0] == {"type": "thinking", "thinking": "because", "signature": "sig/+="}


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("surface", ["chat", "responses", "messages"])
def test_bedrocks_thought_goes_back_signed_and_to_nobody_else(surface: Surface, is_stream: bool) -> None:
    history = history_of(surface, "bedrock", is_stream)
    made = sent_back(surface, "bedrock", history)
    assert made["messages"][1]["content"][0] == {"reasoningContent": {"reasoningText": {"text": "because", "signature": "sig/+="}}}
    assert "sig/" not in json.dumps(sent_back(surface, "gemini", history))


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("surface", ["chat", "responses", "messages"])
def test_geminis_signature_of_a_call_goes_back_with_the_call(surface: Surface, is_stream: bool) -> None:
    history = history_of(surface, "gemini", is_stream)
    made = sent_back(surface, "gemini", history)
    call = made["contents"][1]["parts"][-1]
    assert (call["functionCall"]["name"], call["thoughtSignature"]) == ("look", "c2ln")
    if surface != "messages":
        assert "c2ln" not in json.dumps(sent_back(surface, "anthropic", history))


def test_gemini_3_takes_calls_of_other_models_with_googles_own_word_for_it() -> None:
    history = {**history_of("chat", "workers_ai", False)}
    made = sent_back("chat", "gemini", history, "gemini-3-pro")
    assert made["contents"][1]["parts"][-1]["thoughtSignature"] == "skip_thought_signature_validator"


def test_deepseek_gets_its_thoughts_back() -> None:
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "why", "signature": ""}, {"type": "text", "text": "so"}]}
        ],
    }
    exchange = exchange_of("messages", provider_of("openai"))
    for name, thought in (("deepseek", "why"), ("groq", None)):
        made = json.loads(exchange.request(asked("messages", body), target_of("openai", name=name), None).body)
        assert made["messages"][0].get("reasoning_content") == thought
