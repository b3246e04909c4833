"""A call whose provider speaks another dialect than its caller: through a conversation, and back."""

from collections.abc import Mapping, Sequence

from tools.ai_gateway.dialects.callers.caller_dialect import Asked, CallerDialect
from tools.ai_gateway.dialects.conversation.conversation import ToolCall
from tools.ai_gateway.dialects.conversation.custom_calls import CustomCalls, with_custom_calls
from tools.ai_gateway.dialects.exchange import FaultInside, MalformedAnswer, ProviderFault, ProviderRequest, StreamReader, WholeAnswer
from tools.ai_gateway.dialects.faults.error_bodies import error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText
from tools.ai_gateway.dialects.framing.body_members import refuse_repeated_names, too_deep
from tools.ai_gateway.dialects.native.native_exchange import asks_usage, is_refusal
from tools.ai_gateway.dialects.providers.provider_dialect import ProviderDialect
from tools.ai_gateway.dialects.request_needs import needs_of
from tools.ai_gateway.dialects.translation.told_faults import told, told_inside
from tools.ai_gateway.dialects.translation.translated_reader import TranslatedReader
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import decode


class TranslatedExchange:
    """An Exchange; see there."""

    translates = True

    def __init__(self, caller: CallerDialect, provider: ProviderDialect) -> None:
        self._caller = caller
        self._provider = provider

    def needs(self, request: ModelRequest) -> frozenset[str]:
        return needs_of(request)

    def request(self, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        refuse_repeated_names(request.raw, request.body)
        try:
            conversation = self._caller.read(request.body, target.provider.name)
            sent = self._provider.request(conversation, target, max_output_tokens)
        except RecursionError as error:
            raise too_deep() from error
        # What cannot be written is a text that says so, and no object.
        if not sent.body.startswith(b"{"):
            raise too_deep()
        return sent

    def whole(self, request: ModelRequest, target: ModelTarget, headers: Mapping[str, str], body: bytes) -> WholeAnswer:
        try:
            said = decode(body)
            if isinstance(said, dict) and is_refusal(said):
                raise FaultInside(told_inside(self._caller.form, body))
            answer = self._provider.answer(said)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise MalformedAnswer(f"an answer that is none of its dialect: {type(error).__name__}") from error
        chars = sum(len(part.arguments) if isinstance(part, ToolCall) else len(part.text) for part in answer.parts)
        answer = with_custom_calls(answer, self._caller.custom_tools(request.body))
        shown = self._caller.whole(answer, _asked(request, target), chars)
        return WholeAnswer(shown, answer.usage, chars)

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
        return told(self._caller.form, status, headers, body)

    def reader(self, request: ModelRequest, target: ModelTarget) -> StreamReader:
        writer = self._caller.stream(_asked(request, target))
        custom_calls = CustomCalls(self._caller.custom_tools(request.body))
        return TranslatedReader(self._provider.stream(), writer, custom_calls, self._caller.form)

    def replay(self, request: ModelRequest, body: bytes) -> Sequence[bytes]:
        return self._caller.replay(decode(body), asks_usage(request.body))

    def refusal(self, code: str, status: int, message: str, param: str | None, request_id: str) -> bytes:
        return error_body(self._caller.form, status, ErrorText(message, code, param=param), request_id)


def _asked(request: ModelRequest, target: ModelTarget) -> Asked:
    return Asked(request.body, target.model, len(request.raw))
