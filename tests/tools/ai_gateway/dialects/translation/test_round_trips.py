"""What is said in a dialect and read again is what was said."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import target_of
from tools.ai_gateway.dialects.callers.chat_request import read_chat
from tools.ai_gateway.dialects.callers.messages_request import read_message_request
from tools.ai_gateway.dialects.conversation.conversation import (
    Conversation,
    JsonAnswer,
    Media,
    Part,
    Sampling,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tools.ai_gateway.dialects.providers.anthropic.message_body import message_body
from tools.ai_gateway.dialects.providers.openai.chat_body import chat_body
from tools.ai_gateway.dialects.providers.provider_dialect import blocks_of
from tools.json_text import encode

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda text: not text.startswith("x-anthropic"))
names = st.sampled_from(["look", "go", "find_it"])
schemas = st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(names, st.just({"type": "string"}), max_size=2)})
arguments = st.dictionaries(names, texts | st.integers(), max_size=2).map(lambda value: encode(value).decode())
calls = st.builds(ToolCall, st.integers(0, 9).map("call_{}".format), names, arguments)
pictures = st.builds(Media, media_type=st.just("image/png"), data=st.just("iVBORw0K")) | st.just(Media(url="https://a.example/b.png"))
results = st.builds(ToolResult, st.integers(0, 9).map("call_{}".format), st.lists(texts.map(TextPart), min_size=1, max_size=1).map(tuple))
heard = st.builds(
    lambda first, rest: Turn("user", (*first, *rest)),
    st.lists(results, max_size=2),
    st.lists(texts.map(TextPart) | pictures, min_size=1, max_size=3),
)


@st.composite
def said(draw: st.DrawFn) -> Turn:
    """One text at the most, as chat has room for, and calls behind it."""
    made = draw(st.lists(calls, max_size=2))
    parts: list[Part] = [TextPart(draw(texts))] if draw(st.booleans()) or not made else []
    return Turn("assistant", (*parts, *made))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    turns = [draw(heard if number % 2 == 0 else said()) for number in range(draw(st.integers(1, 4)))]
    tools: tuple[Tool, ...] = tuple(
        {tool.name: tool for tool in draw(st.lists(st.builds(Tool, names, texts, schemas), max_size=3))}.values()
    )
    choices = [None, ToolChoice(), ToolChoice("none"), ToolChoice("required"), *(ToolChoice("named", tool.name) for tool in tools)]
    return Conversation(
        system=tuple(draw(st.lists(texts, max_size=1))),
        turns=tuple(turns),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)) if tools else None,
        json_answer=draw(st.none() | st.builds(JsonAnswer, schemas.map(lambda schema: {**schema, "additionalProperties": False}))),
        sampling=Sampling(
            draw(st.none() | st.floats(0, 1)), draw(st.none() | st.floats(0, 1)), stop=tuple(draw(st.lists(texts, max_size=2)))
        ),
        max_output_tokens=draw(st.integers(1, 9999)),
        is_stream=draw(st.booleans()),
    )


def normal(conversation: Conversation) -> Any:
    """Return a conversation as sides that take turns: dialects cut one side's words differently."""
    rest = {name: getattr(conversation, name) for name in Conversation.__dataclass_fields__ if name != "turns"}
    return blocks_of(conversation, lambda part: True), rest


@settings(max_examples=60)
@given(conversations())
def test_a_conversation_said_as_a_chat_is_read_again(conversation: Conversation) -> None:
    body = json.loads(json.dumps(chat_body(conversation, target_of("openai"), None)))
    assert normal(read_chat(body, "anybody")) == normal(conversation)


@settings(max_examples=60)
@given(conversations())
def test_a_conversation_said_as_a_message_is_read_again(conversation: Conversation) -> None:
    body = json.loads(json.dumps(message_body(conversation, target_of("anthropic"), None)))
    assert normal(read_message_request(body, "anybody")) == normal(conversation)
