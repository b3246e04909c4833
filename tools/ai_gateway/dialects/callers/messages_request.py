"""A request for an Anthropic message, read into a conversation."""

from collections.abc import Iterator, Mapping

from tools.ai_gateway.dialects.callers.openai_words import effort_of
from tools.ai_gateway.dialects.callers.seals import thoughts_in_place, unsealed
from tools.ai_gateway.dialects.conversation.arguments import text_of
from tools.ai_gateway.dialects.conversation.conversation import (
    Conversation,
    Effort,
    JsonAnswer,
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

#: Anthropic's hints: losing them changes no answer
_HINTS = ("model", "metadata", "cache_control", "context_management", "diagnostics", "betas", "user_profile_id")
#: Claude Code's first block of the system prompt is for Anthropic's accounts and not for a model
_BILLING = "x-anthropic-billing-header:"


def read_message_request(body: Mapping[str, Json], to: str) -> Conversation:
    """Return the conversation. Raises ModelCallRefused: `unsupported` by name for what `to` could not be told, `invalid_request`."""
    given = Members(dict(body), "", to)
    given.leave(*_HINTS)
    given.leave_if("service_tier", "auto", "standard_only")
    given.leave_if("speed", "standard")
    config = given.object("output_config")
    effort, thinking_tokens = _thinking(given, config)
    answer = _json_answer(config.object("format")) if config else None
    older = given.object("output_format")  # as it was called in its beta
    if config:
        config.refuse_rest()
    choice, is_parallel = _tool_choice(given)
    stop = given.any("stop_sequences") or []
    if not isinstance(stop, list) or not all(isinstance(each, str) for each in stop):
        raise invalid_request("stop_sequences: a list of texts belongs here", "stop_sequences")
    conversation = Conversation(
        system=tuple(_system(given)),
        turns=tuple(_turn(message) for message in given.objects("messages")),
        tools=tuple(_tools(given)),
        tool_choice=choice,
        parallel_tool_calls=is_parallel,
        json_answer=answer or _json_answer(older),
        sampling=Sampling(given.number("temperature"), given.number("top_p"), given.whole_number("top_k"), stop=tuple(stop)),
        max_output_tokens=given.whole_number("max_tokens"),
        effort=effort,
        thinking_tokens=thinking_tokens,
        is_stream=given.flag("stream") is True,
    )
    given.refuse_rest()
    return conversation


def _thinking(given: Members, config: Members | None) -> tuple[Effort | None, int | None]:
    thinking = given.object("thinking")
    effort = effort_of(config.any("effort"), config.path("effort")) if config else None
    if thinking is None:
        return effort, None
    kind = thinking.needed_text("type")
    tokens = thinking.whole_number("budget_tokens")
    thinking.leave("display")
    thinking.refuse_rest()
    if kind == "disabled":
        return "none", None
    return effort, tokens if kind == "enabled" else None


def _json_answer(form: Members | None) -> JsonAnswer | None:
    if form is None:
        return None
    if form.needed_text("type") != "json_schema":
        raise form.refuse("type")
    answer = JsonAnswer(form.plain_object("schema"), form.text("name") or "answer")
    form.refuse_rest()
    return answer


def _system(given: Members) -> Iterator[str]:
    system = given.any("system")
    if isinstance(system, str):
        if system:
            yield system
        return
    for block in given.objects("system"):
        if block.needed_text("type") != "text":
            raise block.refuse("type")
        text = block.text("text")
        if text and not text.startswith(_BILLING):
            yield text


def _turn(message: Members) -> Turn:
    role = message.needed_text("role")
    content = message.any("content")
    parts = [TextPart(content)] if isinstance(content, str) and content else _blocks(message, "content")
    made = thoughts_in_place(list(parts))
    message.refuse_rest()
    if role == "user":
        return Turn("user", made)
    if role == "assistant":
        return Turn("assistant", made)
    if role == "system":
        return Turn("system", made)
    raise message.refuse("role")


def _blocks(given: Members, name: str) -> Iterator[Part]:
    content = given.any(name)
    if isinstance(content, str):
        if content:
            yield TextPart(content)
    elif content is not None:
        for block in given.objects(name):
            yield _block(block)


def _block(block: Members) -> Part:
    kind = block.needed_text("type")
    block.leave("cache_control", "citations")
    made: Part
    if kind == "text":
        made = TextPart(block.text("text"))
    elif kind in ("image", "document"):
        made = _media(block, kind)
    elif kind == "tool_use":
        made = ToolCall(block.needed_text("id"), block.needed_text("name"), text_of(block.plain_object("input") or {}))
        block.leave("caller")
    elif kind == "tool_result":
        shown = tuple(part for part in _blocks(block, "content") if isinstance(part, TextPart | Media))
        made = ToolResult(block.needed_text("tool_use_id"), shown, block.flag("is_error") is True)
    elif kind == "thinking":
        signature = block.text("signature")
        made = unsealed(block.text("thinking"), signature)
        if made.origin in ("", "openai"):
            made = Thinking(made.text, signature, origin="anthropic")
    elif kind == "redacted_thinking":
        data = block.text("data")
        made = unsealed("", data)
        if made.origin in ("", "openai"):
            made = Thinking(hidden=data, origin="anthropic")
    else:  # what Anthropic's own tools asked and found
        raise block.refuse(kind)
    block.refuse_rest()
    return made


def _media(block: Members, kind: str) -> Media:
    source = block.object("source")
    if source is None:
        raise invalid_request(f"{block.path('source')}: missing", block.path("source"))
    name = (block.text("title") or "document") if kind == "document" else ""
    form = source.needed_text("type")
    if form == "base64":
        media = Media(source.needed_text("media_type").lower(), source.needed_text("data"), name=name)
    elif form == "url":
        media = Media(url=source.needed_text("url"), name=name)
    else:
        raise source.refuse("type")
    source.refuse_rest()
    return media


def _tools(given: Members) -> Iterator[Tool]:
    for tool in given.objects("tools"):
        kind = tool.text("type") or "custom"
        if kind != "custom":  # bash, editors, searches: their shapes are in Anthropic's models
            raise tool.refuse(kind)
        yield Tool(tool.needed_text("name"), tool.text("description"), tool.plain_object("input_schema") or {}, tool.flag("strict"))
        tool.leave("cache_control", "defer_loading", "eager_input_streaming", "input_examples", "allowed_callers")
        tool.refuse_rest()


def _tool_choice(given: Members) -> tuple[ToolChoice | None, bool | None]:
    choice = given.object("tool_choice")
    if choice is None:
        return None, None
    kind, is_single = choice.needed_text("type"), choice.flag("disable_parallel_tool_use")
    is_parallel = None if is_single is None else not is_single
    if kind == "tool":
        made = ToolChoice("named", choice.needed_text("name"))
    elif kind in ("auto", "none", "any"):
        made = ToolChoice("required") if kind == "any" else ToolChoice("none" if kind == "none" else "auto")
    else:
        raise choice.refuse("type")
    choice.refuse_rest()
    return made, is_parallel
