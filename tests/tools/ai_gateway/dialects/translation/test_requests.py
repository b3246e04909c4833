"""What a request says arrives in the other dialect's words, or is refused by name."""

import contextlib
import json
from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of, target_of
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.refusals import ModelCallRefused

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
CLOSED = {**SCHEMA, "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "look", "description": "looks", "parameters": SCHEMA}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K", "detail": "low"}}
LINKED = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "what?"}, PICTURE]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
        {"role": "system", "content": "be quick"},
        {"role": "user", "content": "and now?"},
    ],
    "tools": [TOOL],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "temperature": 0.5,
    "stop": "END",
    "max_completion_tokens": 20000,
    "reasoning_effort": "high",
    "response_format": {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}},
    "user": "ada",
    "metadata": {"a": "b"},
    "store": False,
    "n": 1,
    "prompt_cache_key": "k",
    "stream_options": {"include_usage": True},
    "logprobs": False,
}


def sent(surface: Surface, dialect: Dialect, body: dict[str, Any], model: str = "there", **more: Any) -> dict[str, Any]:
    exchange = exchange_of(surface, provider_of(dialect, **more))
    made = json.loads(exchange.request(asked(surface, body), target_of(dialect, model, **more), 4096).body)
    assert isinstance(made, dict)
    return made


def test_a_chat_becomes_a_message_for_anthropic() -> None:
    assert sent("chat", "anthropic", CHAT) == {
        "model": "there",
        "max_tokens": 20000,
        "system": [{"type": "text", "text": "be kind"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}},
                ],
            },
            {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "look", "input": {"a": 1}}]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "found"}]},
                    {"type": "text", "text": "<system>\nbe quick\n</system>"},
                    {"type": "text", "text": "and now?"},
                ],
            },
        ],
        "tools": [{"name": "look", "input_schema": SCHEMA, "description": "looks"}],
        "tool_choice": {"type": "tool", "name": "look"},
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": CLOSED}},
    }


def test_a_chat_becomes_contents_for_gemini() -> None:
    made = sent("chat", "gemini", CHAT, "gemini-2.5-pro")
    assert made["contents"] == [
        {"role": "user", "parts": [{"text": "what?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"a": 1}}}]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"output": "found"}}},
                {"text": "<system>\nbe quick\n</system>"},
                {"text": "and now?"},
            ],
        },
    ]
    assert made["systemInstruction"] == {"parts": [{"text": "be kind"}]}
    assert made["tools"] == [{"functionDeclarations": [{"name": "look", "description": "looks", "parametersJsonSchema": SCHEMA}]}]
    assert made["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}}
    assert made["generationConfig"] == {
        "temperature": 0.5,
        "stopSequences": ["END"],
        "maxOutputTokens": 20000,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"thinkingBudget": 24576, "includeThoughts": True},
    }


def test_a_chat_becomes_a_converse_request() -> None:
    made = sent("chat", "bedrock", CHAT, "us.anthropic.claude-sonnet-4-20250514-v1:0")
    assert made["system"] == [{"text": "be kind"}]
    assert made["messages"][0]["content"][1] == {"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}
    assert made["messages"][1]["content"] == [{"toolUse": {"toolUseId": "call_1", "name": "look", "input": {"a": 1}}}]
    assert made["messages"][2]["content"][0] == {"toolResult": {"toolUseId": "call_1", "content": [{"text": "found"}]}}
    assert made["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": SCHEMA}, "description": "looks"}}],
        "toolChoice": {"tool": {"name": "look"}},
    }
    assert made["inferenceConfig"] == {"maxTokens": 20000, "temperature": 0.5, "stopSequences": ["END"]}
    assert made["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 10000}}
    assert json.loads(made["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]) == CLOSED


def test_a_chat_becomes_a_run_of_workers_ai() -> None:
    body = {name: value for name, value in CHAT.items() if name not in ("stop", "tool_choice")}
    made = sent("chat", "workers_ai", body)
    assert [message["role"] for message in made["messages"]] == ["system", "user", "assistant", "tool", "system", "user"]
    assert made["tools"] == [TOOL]
    assert (made["max_tokens"], made["response_format"]) == (20000, {"type": "json_schema", "json_schema": SCHEMA})


CLAUDE_CODE: dict[str, Any] = {
    "model": "m",
    "max_tokens": 32000,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2;"},
        {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [{"type": "text", "text": "no such file"}]},
                {"type": "text", "text": "go on"},
            ],
        },
        {"role": "system", "content": "a reminder"},
    ],
    "tools": [{"name": "Bash", "description": "run", "input_schema": SCHEMA, "defer_loading": True}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": []},
    "metadata": {"user_id": "u"},
    "stream": True,
}


def test_a_turn_of_claude_code_becomes_a_chat() -> None:
    assert sent("messages", "openai", CLAUDE_CODE) == {
        "model": "there",
        "messages": [
            {"role": "system", "content": "You are Claude Code."},
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": "I look",
                "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}],
            },
            {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: no such file"},
            {"role": "user", "content": "go on"},
            {"role": "system", "content": "a reminder"},
        ],
        "tools": [{"type": "function", "function": {"name": "Bash", "parameters": SCHEMA, "description": "run"}}],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "max_completion_tokens": 32000,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    # A model that thinks is told how much, and providers that refuse OpenAI's newer members get the older ones.
    assert sent("messages", "openai", CLAUDE_CODE, "gpt-5.2")["reasoning_effort"] == "high"
    others = sent("messages", "openai", CLAUDE_CODE, name="mistral")
    assert others["max_tokens"] == 32000
    assert "stream_options" not in others


CODEX: dict[str, Any] = {
    "model": "m",
    "instructions": "be brief",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "do it"}, {"type": "input_image", "image_url": "https://a.example/b.png"}],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "why"}], "encrypted_content": "anthropic#sig"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I do", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** x"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "patched"}]},
    ],
    "tools": [
        {"type": "function", "name": "shell", "parameters": SCHEMA, "strict": False},
        {"type": "custom", "name": "patch", "description": "any text"},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "text": {"format": {"type": "text"}},
    "max_output_tokens": 9000,
}


def test_a_turn_of_codex_becomes_a_message() -> None:
    made = sent("responses", "anthropic", CODEX, "claude-sonnet-4-5")
    assert made["system"] == [{"type": "text", "text": "be brief"}, {"type": "text", "text": "rules"}]
    assert made["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "do it"}, {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "why", "signature": "sig"},
                {"type": "text", "text": "I do"},
                {"type": "tool_use", "id": "c1", "name": "shell", "input": {}},
                {"type": "tool_use", "id": "c2", "name": "patch", "input": {"input": "*** x"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "done"}]},
                {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "patched"}]},
            ],
        },
    ]
    assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert made["thinking"] == {"type": "enabled", "budget_tokens": 4500}
    assert made["max_tokens"] == 9000


def test_the_gateways_maximum_stands_in_where_a_caller_names_none() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert sent("chat", "anthropic", body)["max_tokens"] == 4096
    assert sent("chat", "gemini", body)["generationConfig"] == {"maxOutputTokens": 4096}
    assert sent("chat", "bedrock", body)["inferenceConfig"] == {"maxTokens": 4096}


REFUSED: list[tuple[Surface, Dialect, dict[str, Any], str]] = [
    ("chat", "anthropic", {"n": 3, "logit_bias": {"50256": -100}}, "n"),
    ("chat", "anthropic", {"logit_bias": {"50256": -100}}, "logit_bias"),
    ("chat", "gemini", {"logprobs": True}, "logprobs"),
    ("chat", "anthropic", {"x_future": {"a": 1}}, "x_future"),
    ("chat", "anthropic", {"seed": 7}, "seed"),
    ("chat", "bedrock", {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("chat", "anthropic", {"store": True}, "store"),
    ("chat", "anthropic", {"response_format": {"type": "json_object"}}, "response_format json_object"),
    ("chat", "anthropic", {"audio": {"voice": "a"}, "modalities": ["text", "audio"]}, "audio"),
    ("chat", "gemini", {"tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls"),
    ("chat", "bedrock", {"tools": [TOOL], "tool_choice": "none"}, "tool_choice none"),
    ("chat", "workers_ai", {"stop": ["x"]}, "stop"),
    ("chat", "bedrock", {"messages": [{"role": "user", "content": [LINKED]}]}, "a picture by its address"),
    (
        "chat",
        "anthropic",
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages.0.content.0.type",
    ),
    ("messages", "openai", {"top_k": 5}, "top_k"),
    ("messages", "openai", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.web_search_20250305"),
    ("messages", "gemini", {"mcp_servers": [{"name": "a"}]}, "mcp_servers"),
    ("messages", "openai", {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, "messages.0.content.0.search_result"),
    ("responses", "anthropic", {"previous_response_id": "resp_1"}, "previous_response_id"),
    ("responses", "anthropic", {"background": True}, "background"),
    ("responses", "anthropic", {"tools": [{"type": "web_search"}]}, "tools.0.web_search"),
    (
        "responses",
        "anthropic",
        {"tools": [{"type": "custom", "name": "p", "format": {"type": "grammar", "definition": "x"}}]},
        "tools.0.format",
    ),
    ("responses", "anthropic", {"input": [{"type": "item_reference", "id": "x"}]}, "input.0.type"),
]


@pytest.mark.parametrize(("surface", "dialect", "more", "name"), REFUSED, ids=[f"{s}-{d}-{n}" for s, d, _, n in REFUSED])
def test_what_cannot_be_said_is_refused_by_name(surface: Surface, dialect: Dialect, more: dict[str, Any], name: str) -> None:
    body = {"model": "m"} | ({"input": "x"} if surface == "responses" else {"messages": [{"role": "user", "content": "x"}]}) | more
    with pytest.raises(ModelCallRefused) as refused:
        sent(surface, dialect, body)
    assert (refused.value.code, refused.value.status, refused.value.param) == ("unsupported", 400, name)


MALFORMED: list[tuple[Surface, dict[str, Any], str]] = [
    ("chat", {"messages": "hello"}, "messages"),
    ("chat", {"messages": ["hello"]}, "messages.0"),
    ("chat", {"messages": [{"content": "x"}]}, "messages.0.role"),
    ("chat", {"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
    (
        "chat",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
        "messages.0.content.0.image_url.url",
    ),
    ("chat", {"messages": [], "max_tokens": "many"}, "max_tokens"),
    ("chat", {"messages": [], "max_tokens": 1.5}, "max_tokens"),
    ("chat", {"messages": [], "stop": [1]}, "stop"),
    ("chat", {"messages": [], "reasoning_effort": "enormous"}, "reasoning_effort"),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
    ("responses", {"input": [{"type": "function_call", "name": "x"}]}, "input.0.call_id"),
]


@pytest.mark.parametrize(("surface", "body", "name"), MALFORMED, ids=[f"{s}-{n}" for s, _, n in MALFORMED])
def test_a_wrong_body_is_told_where_it_is_wrong(surface: Surface, body: dict[str, Any], name: str) -> None:
    with pytest.raises(ModelCallRefused) as refused:
        sent(surface, "gemini", {"model": "m", **body})
    assert (refused.value.code, refused.value.param) == ("invalid_request", name)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-3-5-sonnet-20241022", None),
        ("claude-3-7-sonnet-latest", {"type": "enabled", "budget_tokens": 2048}),
        ("claude-opus-4-5-20251101", {"type": "enabled", "budget_tokens": 2048}),
        ("claude-opus-4-6", {"type": "adaptive"}),
        ("claude-sonnet-5", {"type": "adaptive"}),
    ],
)
def test_thinking_is_asked_for_as_each_claude_takes_it(model: str, thinking: Any) -> None:
    body = {"model": "m", "messages": [], "reasoning_effort": "low", "max_tokens": 8000}
    assert sent("chat", "anthropic", body, model).get("thinking") == thinking


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.0-flash", "high", None),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, "includeThoughts": False}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
    ],
)
def test_thinking_is_asked_for_as_each_gemini_takes_it(model: str, effort: str, thinking: Any) -> None:
    made = sent("chat", "gemini", {"model": "m", "messages": [], "reasoning_effort": effort}, model)
    assert made["generationConfig"].get("thinkingConfig") == thinking


@pytest.mark.parametrize(("model", "effort"), [("gpt-5.2", "none"), ("o3", None), ("gpt-4o", None)])
def test_who_cannot_be_told_not_to_think_is_not_told(model: str, effort: str | None) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [], "thinking": {"type": "disabled"}}
    assert sent("messages", "openai", body, model).get("reasoning_effort") == effort


@pytest.mark.parametrize("raw", [b'{"model":"m","messages":[],"messages":[]}'])
def test_a_member_that_stands_twice_is_refused_in_translation_too(raw: bytes) -> None:
    with pytest.raises(ModelCallRefused, match="stands twice"):
        exchange_of("chat", provider_of("gemini")).request(asked("chat", raw=raw), target_of("gemini"), None)


@pytest.mark.parametrize(("depth", "is_said"), [(60, True), (300, False), (600, False), (900, False)])
@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "bedrock", "workers_ai"])
def test_a_schema_of_any_depth_is_said_or_refused(dialect: Dialect, depth: int, is_said: bool) -> None:
    schema = b'{"properties":' * depth + b"{}" + b"}" * depth
    raw = b'{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":' + schema + b"}}}"
    exchange, target = exchange_of("chat", provider_of(dialect)), target_of(dialect)
    if is_said:
        assert exchange.request(asked("chat", raw=raw), target, None).body.count(b"properties") == depth
    else:
        with contextlib.suppress(ModelCallRefused):
            assert exchange.request(asked("chat", raw=raw), target, None).body.count(b"properties") == depth
