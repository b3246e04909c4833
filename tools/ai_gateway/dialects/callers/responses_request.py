"""A request for a response, read into a conversation; stateless: what stands in another response is refused."""

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
    Effort,
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
from tools.ai_gateway.dialects.conversation.members import Members
from tools.operation import Json

_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt")


def read_response_request(body: Mapping[str, Json], to: str) -> Conversation:
    """Return the conversation. Raises ModelCallRefused: `unsupported` by name for what `to` could not be told, `invalid_request`."""
    given = Members(dict(body), "", to)
    for name in _KEPT_ELSEWHERE:
        if body.get(name):
            raise given.refuse(name)
    given.leave(*HINTS, "include")
    given.leave_if("store", False)
    given.leave_if("truncation", "disabled")
    given.leave_if("service_tier", "auto", "default")
    system = [instructions] if (instructions := given.text("instructions")) else []
    turns: list[Turn] = []
    for turn in _turns(given):
        if turn.role == "system" and not turns:
            system += [part.text for part in turn.parts if isinstance(part, TextPart)]
        elif turns and turns[-1].role == turn.role == "assistant":
            # Reasoning, text and calls are items of their own here and one turn everywhere else.
            turns[-1] = Turn("assistant", (*turns[-1].parts, *turn.parts))
        else:
            turns.append(turn)
    answer = _json_answer(given)
    conversation = Conversation(
        system=tuple(system),
        turns=tuple(Turn(turn.role, thoughts_in_place(turn.parts)) for turn in turns),
        tools=tuple(_tools(given)),
        tool_choice=_tool_choice(given),
        parallel_tool_calls=given.flag("parallel_tool_calls"),
        json_answer=answer,
        sampling=Sampling(given.number("temperature"), given.number("top_p")),
        max_output_tokens=given.whole_number("max_output_tokens"),
        effort=_effort(given),
        is_stream=given.flag("stream") is True,
    )
    given.refuse_rest()
    return conversation


def _json_answer(given: Members) -> JsonAnswer | None:
    text = given.object("text")
    if text is None:
        return None
    answer = json_answer_of(text.object("format"))
    text.leave_if("verbosity", "medium")
    text.refuse_rest()
    return answer


def _effort(given: Members) -> Effort | None:
    reasoning = given.object("reasoning")
    if reasoning is None:
        return None
    effort = effort_of(reasoning.any("effort"), reasoning.path("effort"))
    reasoning.leave("summary", "generate_summary", "context")
    reasoning.refuse_rest()
    return effort


def _turns(given: Members) -> Iterator[Turn]:
    question = given.any("input")
    if isinstance(question, str):
        yield Turn("user", (TextPart(question),))
        return
    for item in given.objects("input"):
        item.leave("id", "status", "phase")
        kind = item.text("type") or "message"
        if kind == "message":
            yield _message(item)
        elif kind == "reasoning":
            yield Turn("assistant", (_reasoning(item),))
        elif kind == "function_call":
            yield Turn("assistant", (ToolCall(item.needed_text("call_id"), item.needed_text("name"), item.text("arguments")),))
        elif kind == "custom_tool_call":
            yield Turn("assistant", (ToolCall(item.needed_text("call_id"), item.needed_text("name"), item.text("input"), is_custom=True),))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            parts = tuple(part for part in _content(item, "output") if isinstance(part, TextPart | Media))
            yield Turn("user", (ToolResult(item.needed_text("call_id"), parts, is_custom=kind.startswith("custom")),))
        else:
            raise item.refuse("type")
        item.refuse_rest()


def _message(item: Members) -> Turn:
    role = item.needed_text("role")
    parts = tuple(_content(item, "content"))
    if role in ("system", "developer"):
        return Turn("system", parts)
    if role == "user":
        return Turn("user", parts)
    if role == "assistant":
        return Turn("assistant", parts)
    raise item.refuse("role")


def _reasoning(item: Members) -> Part:
    texts = [part.text("text") for name in ("summary", "content") for part in item.objects(name)]
    return unsealed("\n\n".join(texts), item.text("encrypted_content"))


def _content(item: Members, name: str) -> Iterator[Part]:
    content = item.any(name)
    if isinstance(content, str):
        if content:
            yield TextPart(content)
    elif content is not None:
        for part in item.objects(name):
            yield _part(part)


def _part(part: Members) -> Part:
    kind = part.needed_text("type")
    part.leave("annotations", "logprobs", "prompt_cache_breakpoint")
    if kind in ("input_text", "output_text", "text"):
        made: Part = TextPart(part.text("text"))
    elif kind == "refusal":
        made = TextPart(part.text("refusal"))
    elif kind == "input_image":
        url = part.text("image_url")
        if not url:
            raise part.refuse("file_id")
        made = media_at(url, part.path("image_url"), detail=part.text("detail"))
    elif kind == "input_file":
        return file_of(part)
    else:
        raise part.refuse("type")
    part.refuse_rest()
    return made


def _tools(given: Members) -> Iterator[Tool]:
    for tool in given.objects("tools"):
        kind = tool.needed_text("type")
        if kind == "function":
            yield function_of(tool)
        elif kind == "custom":
            yield custom_tool_of(tool)
        else:  # Searches, computers and interpreters run at OpenAI.
            raise tool.refuse(kind)


def _tool_choice(given: Members) -> ToolChoice | None:
    choice = given.any("tool_choice")
    if choice is None:
        return None
    if choice in ("auto", "none", "required"):
        return ToolChoice(choice)
    if isinstance(choice, dict) and choice.get("type") in ("function", "custom") and isinstance(choice.get("name"), str):
        return ToolChoice("named", choice["name"])
    raise given.refuse("tool_choice")
