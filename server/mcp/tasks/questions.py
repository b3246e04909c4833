"""What a task asks of its client, and what becomes of the answers (tasks, "Task Update Requests").

An answer proves nothing: the call is made anew, and finds by itself whether the account is there by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from server.mcp.answers import Answer, FormQuestion, ToolAnswer, UrlQuestion
from server.mcp.request_state import NOTHING_ASKED, Asked
from tools.always_on import ALWAYS_ON
from tools.errors import InvalidArguments
from tools.operation import ClientInfo, Failure, Json

ACTIONS: Final = frozenset({"accept", "decline", "cancel"})
#: the boolean in the form that asks for a yes
YES: Final = "confirm"
_CONFIRMABLE: Final = frozenset(tool.name for tool in ALWAYS_ON)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `requests` as MCP has them, by key. `then`: arguments of the call once everything was accepted."""

    requests: Mapping[str, Json]
    asked: Asked = NOTHING_ASKED
    then: Mapping[str, Json] = field(default_factory=dict)


def question_of(answer: Answer, tool: str, client: ClientInfo, *, may_confirm: bool) -> Question | None:
    """Return what an answer asks of the person, or None where it is the last word.

    `may_confirm`: the person was not asked for a yes yet. Who declines gets the answer that asks in words, as any other client does.
    """
    if isinstance(answer, UrlQuestion):
        return Question(answer.to_result()["inputRequests"], Asked(answer.providers, answer.resume))
    if isinstance(answer, FormQuestion):
        return Question(answer.requests, then=answer.then)
    # MCP 2026-07-28: nothing is asked that the client did not declare.
    if not isinstance(answer, ToolAnswer) or not may_confirm or not client.elicits_form or tool not in _CONFIRMABLE:
        return None
    asked = answer.structured.get("confirmation") if isinstance(answer.structured, Mapping) else None
    if asked is None:
        return None
    schema = {"type": "object", "properties": {YES: {"type": "boolean", "title": "Do it"}}, "required": [YES]}
    form = {"mode": "form", "message": asked["message"], "requestedSchema": schema}
    request = {"method": "elicitation/create", "params": form}
    return Question({YES: request}, Asked(resume=answer.structured.get("resume")), {"confirm": asked["confirm"]})


def is_accepted(key: str, request: Json, response: Json) -> bool:
    """Say whether the person agreed. Raises InvalidArguments for what is no ElicitResult."""
    action = response.get("action") if isinstance(response, Mapping) else None
    if action not in ACTIONS:
        where = f"inputResponses.{key[:100]}"
        message = f"{where}: must be an object whose action is accept, decline or cancel (MCP elicitation)"
        raise InvalidArguments(Failure("invalid_arguments", message))
    if action != "accept":
        return False
    content = response.get("content")
    wants_yes = YES in (request["params"].get("requestedSchema") or {}).get("properties", {})
    return not wants_yes or (isinstance(content, Mapping) and content.get(YES) is True)
