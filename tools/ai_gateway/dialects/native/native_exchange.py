"""A call whose provider speaks the caller's dialect: bytes pass."""

from collections.abc import Mapping, Sequence

from tools.ai_gateway.dialects.exchange import FaultInside, MalformedAnswer, ProviderFault, ProviderRequest, StreamReader, WholeAnswer
from tools.ai_gateway.dialects.faults.classification import kind_of, status_inside
from tools.ai_gateway.dialects.faults.error_bodies import ErrorForm, error_body
from tools.ai_gateway.dialects.faults.error_text import ErrorText, error_in, read_refusal
from tools.ai_gateway.dialects.framing.body_members import refuse_repeated_names, with_members
from tools.ai_gateway.dialects.native.apis import BY_KIND, OPAQUE
from tools.ai_gateway.dialects.native.model_makers import maximum_of_maker
from tools.ai_gateway.dialects.native.native_api import NativeApi
from tools.ai_gateway.dialects.native.paths import read_path, sent_path, sent_query
from tools.ai_gateway.dialects.request_needs import needs_of
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import decode
from tools.operation import Json

ANTHROPIC_VERSION = ("anthropic-version", "2023-06-01")
#: report usage in any stream, and refuse members that they do not know
REPORT_UNASKED = frozenset({"mistral", "perplexity"})


class NativeExchange:
    """An Exchange (see there) with one endpoint, or with that which the path of a `native` request means."""

    translates = False

    def __init__(self, form: ErrorForm, api: NativeApi | None = None) -> None:
        self._form: ErrorForm = form
        self._api = api

    def needs(self, request: ModelRequest) -> frozenset[str]:
        return needs_of(request)

    def request(self, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None) -> ProviderRequest:
        api = self._api_of(request)
        body = self._body(api, request, target, max_output_tokens) if request.raw else b""
        path = sent_path(target.provider.base_url, api.path if self._api else request.native_path)
        return ProviderRequest(path, body, self._headers(request), sent_query(request.query))

    def whole(self, request: ModelRequest, target: ModelTarget, headers: Mapping[str, str], body: bytes) -> WholeAnswer:
        content_type = headers.get("content-type", "application/json")
        api = self._api_of(request)
        try:
            answer = decode(body)
        except ValueError as error:
            if api is OPAQUE:
                return WholeAnswer(body, None, len(body), content_type)
            raise MalformedAnswer("an answer that is no JSON") from error
        if isinstance(answer, dict) and is_refusal(answer):
            raise FaultInside(self._fault_inside(answer, body))
        try:
            usage, chars = api.look(answer)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise MalformedAnswer(f"an answer that is none of its dialect: {type(error).__name__}") from error
        return WholeAnswer(body, usage, chars, content_type)

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
        said = read_refusal(headers, body)
        # What leads elsewhere is nothing for a caller, who must not follow it either.
        if status < 400:
            said = ErrorText(f"the provider answered {status}, which is no answer", "upstream_failed")
            return ProviderFault("retry", 502, error_body(self._form, 502, said), message=said.short)
        content_type = headers.get("content-type", "application/json")
        # Nothing is no body of any dialect: clients show what they find there.
        shown = body if body.strip() else error_body(self._form, status, said)
        return ProviderFault(kind_of(status, said), status, shown, content_type if body.strip() else "application/json", said.short)

    def reader(self, request: ModelRequest, target: ModelTarget) -> StreamReader:
        api = self._api_of(request)
        make = api.reader or OPAQUE.reader
        assert make is not None
        return make(api.asks_usage and not asks_usage(request.body))

    def replay(self, request: ModelRequest, body: bytes) -> Sequence[bytes]:
        api = self._api_of(request)
        return api.replay(decode(body), asks_usage(request.body)) if api.replay else [body]

    def refusal(self, code: str, status: int, message: str, param: str | None, request_id: str) -> bytes:
        return error_body(self._form, status, ErrorText(message, code, param=param), request_id)

    def _api_of(self, request: ModelRequest) -> NativeApi:
        if self._api is not None:
            return self._api
        return BY_KIND.get(read_path(self._form, request.native_path).kind, OPAQUE)

    def _body(self, api: NativeApi, request: ModelRequest, target: ModelTarget, max_output_tokens: int | None) -> bytes:
        refuse_repeated_names(request.raw, request.body)
        changes: dict[str, Json] = {}
        if api.names_model:
            changes["model"] = target.model
        if api.asks_usage and request.is_stream and not asks_usage(request.body) and target.provider.name not in REPORT_UNASKED:
            changes["stream_options"] = {"include_usage": True}
        if max_output_tokens is not None and not request.max_output_tokens and (maximum := _maximum_of(api, request, target)):
            # A budget applies, and it can hold only what is bounded.
            outer, _, inner = maximum.partition(".")
            changes[outer] = {inner: max_output_tokens} if inner else max_output_tokens
        return with_members(request.raw, request.body, changes)

    def _headers(self, request: ModelRequest) -> tuple[tuple[str, str], ...]:
        names = {name.lower() for name, _ in request.headers}
        more = [] if "content-type" in names or not request.raw else [("content-type", "application/json")]
        if self._form == "anthropic" and ANTHROPIC_VERSION[0] not in names:
            more.append(ANTHROPIC_VERSION)
        return (*request.headers, *more)

    def _fault_inside(self, answer: dict[str, Json], body: bytes) -> ProviderFault:
        said = error_in(answer)
        status = status_inside(said)
        return ProviderFault(kind_of(status, said), status, body, message=said.short)


def _maximum_of(api: NativeApi, request: ModelRequest, target: ModelTarget) -> str:
    """Return how the provider spells the bound of an answer: OpenAI's newer models take one name, everybody else's the other."""
    if api.is_makers:
        return maximum_of_maker(read_path("bedrock", request.native_path).model)
    return "max_completion_tokens" if api.maximum == "max_tokens" and target.provider.name == "openai" else api.maximum


def is_refusal(answer: dict[str, Json]) -> bool:
    """An error in place of an answer; a finished response has a member `error`, too, which is null."""
    return bool(answer.get("error")) or answer.get("type") == "error" or answer.get("success") is False


def asks_usage(body: Mapping[str, Json]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
