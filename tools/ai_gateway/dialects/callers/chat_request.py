"""A request for a chat completion, read into a conversation."""

from collections.abc import Iterator, Mapping

from tools.ai_gateway.dialects.callers.openai_words import (
    HINTS,
    custom_tool_of,
    effort_of,
    file_of,
    function_of,
    json_answer_of,
    media_at,
)
from tools.ai_gateway.dialects.callers.seals import thoughts_in_place, unsealed
from tools.ai_gateway.dialects.conversation.conversation import (
    Conversation,
    Media,
    Part,
    Sampling,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tools.ai_gateway.dialects.conversation.members import Members
from tools.ai_gateway.refusals import invalid_request
from tools.operation import Json


def read_chat(body: Mapping[str, Json], to: str) -> Conversation:
    """Return the conversation. Raises ModelCallRefused: `unsupported` by name for what `to` could not be told, `invalid_request`."""
    given = Members(dict(body), "", to)
    given.leave(*HINTS)
    given.leave_if("store", False)
    given.leave_if("n", 1)
    given.leave_if("service_tier", "auto", "default")
    given.leave_if("verbosity", "medium")
    given.leave_if("modalities", ["text"])
    system: list[str] = []
    turns: list[Turn] = []
    for message in given.objects("messages"):
        turn = _turn(message)
        if turn.role == "system" and not turns:
            system += [part.text for part in turn.parts if isinstance(part, TextPart)]
        else:
            turns.append(turn)
    most = given.whole_number("max_tokens")
    newer = given.whole_number("max_completion_tokens")
    conversation = Conversation(
        system=tuple(system),
        turns=tuple(turns),
        tools=tuple(_tools(given)),
        tool_choice=_tool_choice(given),
        parallel_tool_calls=given.flag("parallel_tool_calls"),
        json_answer=json_answer_of(given.object("response_format")),
        sampling=_sampling(given),
        max_output_tokens=newer if newer is not None else most,
        effort=effort_of(given.any("reasoning_effort"), "reasoning_effort"),
        is_stream=given.flag("stream") is True,
    )
    given.refuse_rest()
    return conversation


def _sampling(given: Members) -> Sampling:
    stop = given.any("stop")
    sequences = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(sequences, list) or not all(isinstance(each, str) for each in sequences):
        raise invalid_request("stop: a text or a list of texts belongs here", "stop")
    return Sampling(
        temperature=given.number("temperature"),
        top_p=given.number("top_p"),
        top_k=given.whole_number("top_k"),
        seed=given.whole_number("seed"),
        frequency_penalty=given.number("frequency_penalty") or None,
        presence_penalty=given.number("presence_penalty") or None,
        stop=tuple(sequences),
    )


def _turn(message: Members) -> Turn:
    role = message.needed_text("role")
    if role in ("system", "developer"):
        parts = list(_content(message))
        message.refuse_rest()
        return Turn("system", tuple(parts))
    if role == "user":
        parts = list(_content(message))
        message.refuse_rest()
        return Turn("user", tuple(parts))
    if role == "tool":
        shown = tuple(part for part in _content(message) if isinstance(part, TextPart | Media))
        result = ToolResult(message.needed_text("tool_call_id"), shown)
        message.leave("name")
        message.refuse_rest()
        return Turn("user", (result,))
    if role == "assistant":
        return Turn("assistant", _said(message))
    raise message.refuse("role")


def _said(message: Members) -> tuple[Part, ...]:
    parts: list[Part] = list(_thoughts(message))
    parts += _content(message)
    if refusal := message.text("refusal"):
        parts.append(TextPart(refusal))
    for call in message.objects("tool_calls"):
        parts.append(_call(call))
    # What an answer held and a request need not repeat.
    message.leave("annotations", "reasoning", "reasoning_content")
    message.refuse_rest()
    return thoughts_in_place(parts)


def _call(call: Members) -> ToolCall:
    call_id = call.needed_text("id")
    call.leave("index", "type")
    custom = call.object("custom")
    if custom is not None:
        made = ToolCall(call_id, custom.needed_text("name"), custom.text("input"), is_custom=True)
        custom.refuse_rest()
    else:
        function = call.object("function")
        if function is None:
            raise call.refuse("type")
        made = ToolCall(call_id, function.needed_text("name"), function.text("arguments"), _gemini_signature(call.any("extra_content")))
        function.refuse_rest()
    call.refuse_rest()
    return made


def _gemini_signature(extra: Json) -> str:
    """Google's own chat completions carry the signature of a call there, and so do ours."""
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else ""


def _thoughts(message: Members) -> Iterator[Thinking]:
    """`reasoning_details` as our answers have them (OpenRouter's form); bare `reasoning_content` is worth nothing to anybody."""
    for detail in message.objects("reasoning_details"):
        yield unsealed(detail.text("text"), detail.text("signature") or detail.text("data"))
    for block in message.objects("thinking_blocks"):  # LiteLLM's form
        yield Thinking(block.text("thinking"), block.text("signature"), block.text("data"), "anthropic")


def _content(message: Members) -> Iterator[Part]:
    content = message.any("content")
    if isinstance(content, str):
        # An empty text is none: Anthropic and Bedrock refuse it.
        if content:
            yield TextPart(content)
    elif content is not None:
        for part in message.objects("content"):
            yield _part(part)


def _part(part: Members) -> Part:
    kind = part.needed_text("type")
    part.leave("cache_control", "prompt_cache_breakpoint")
    if kind in ("text", "refusal"):
        made: Part = TextPart(part.text(kind))
        part.refuse_rest()
    elif kind == "image_url":
        image = part.object("image_url")
        if image is None:
            raise invalid_request(f"{part.path('image_url')}: missing", part.path("image_url"))
        made = media_at(image.needed_text("url"), image.path("url"), detail=image.text("detail"))
        image.refuse_rest()
        part.refuse_rest()
    elif kind == "file" and (file := part.object("file")) is not None:
        made = file_of(file)
    else:
        raise part.refuse("type")
    return made


def _tools(given: Members) -> Iterator[Tool]:
    for tool in given.objects("tools"):
        kind = tool.needed_text("type")
        tool.leave("cache_control")
        function, custom = tool.object("function"), tool.object("custom")
        if kind == "function" and function is not None:
            yield function_of(function)
        elif kind == "custom" and custom is not None:
            yield custom_tool_of(custom)
        else:
            raise tool.refuse("type")
        tool.refuse_rest()


def _tool_choice(given: Members) -> ToolChoice | None:
    choice = given.any("tool_choice")
    if choice is None:
        return None
    if choice in ("auto", "none", "required"):
        return ToolChoice(choice)
    if isinstance(choice, dict):
        for kind in ("function", "custom"):
            named = choice.get(kind)
            if choice.get("type") == kind and isinstance(named, dict) and isinstance(named.get("name"), str):
                return ToolChoice("named", named["name"])
    raise given.refuse("tool_choice")
