"""What refusals of providers mean, in all the forms in which they come."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.ai_gateway.dialects.model_calls import asked, provider_of
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.exchange import FaultKind
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.dialects.faults.error_text import read_error

OPENAI = exchange_of("chat", provider_of("openai"))
ANTHROPIC = exchange_of("messages", provider_of("anthropic"))
ANTHROPIC_TO_OPENAI = exchange_of("messages", provider_of("openai"))
OPENAI_TOO_LONG = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens."


def openai(message: str, code: str | int | None = None, kind: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, openai("x", "context_length_exceeded"), "context"),
        (400, openai(OPENAI_TOO_LONG, 400, "BadRequestError"), "context"),
        (400, openai("prompt is too long: 250000 tokens > 200000 maximum"), "context"),
        (400, openai("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"), "context"),
        (400, openai("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."), "context"),
        (400, b'{"message":"Input is too long for requested model."}', "context"),
        (400, openai("the prompt was refused", "content_policy_violation"), "final"),
        (400, openai("The response was filtered due to Azure OpenAI's content management policy", "content_filter"), "final"),
        (500, openai("x", "content_filter"), "final"),
        (400, openai("messages.0: this value is not allowed", "invalid_value"), "final"),
        (400, openai("max_tokens: 300000 > 128000, which is the maximum allowed number of output tokens"), "final"),
        (404, openai("no such model", "model_not_found"), "final"),
        (422, b'{"detail":[{"loc":["body","messages"],"msg":"field required"}]}', "final"),
        (401, openai("Incorrect API key provided", "invalid_api_key"), "key"),
        (403, b"<html><h1>403 Forbidden</h1></html>", "key"),
        (400, b'{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}', "key"),
        (402, openai("Insufficient Balance"), "quota"),
        (429, openai("You exceeded your current quota", "insufficient_quota"), "quota"),
        (400, openai("Your credit balance is too low to access the Anthropic API."), "quota"),
        (429, openai("Rate limit reached", "rate_limit_exceeded"), "retry"),
        (408, b"", "retry"),
        (409, b"{}", "retry"),
        (500, b'{"error":"boom"}', "retry"),
        (502, b"<html><body>Bad Gateway</body></html>", "retry"),
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "retry"),
        (302, b"", "retry"),
    ],
)
def test_what_a_refusal_means(status: int, body: bytes, kind: FaultKind) -> None:
    assert OPENAI.fault(status, {}, body).kind == kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"Model is loading"}', "Model is loading"),
        (b'{"object":"error","message":"vLLM says no","type":"BadRequestError","code":400}', "vLLM says no"),
        (
            b'{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"upstream words"}}}',
            "Provider returned error: upstream words",
        ),
        (b'{"detail":"Not authenticated"}', "Not authenticated"),
        (b'{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"Extra inputs"}]},"type":"x"}', "body.n: Extra inputs"),
        (b'{"detail":[{"loc":["body","x"],"msg":"field required"}]}', "body.x: field required"),
        (b'{"success":false,"errors":[{"code":3036,"message":"neurons used up"}]}', "neurons used up"),
        (b'[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]', "overloaded"),
        (b"<html><head><title>x</title></head><body><h1>503</h1>\n no  server </body></html>", "503 no server"),
        (b"upstream connect error", "upstream connect error"),
        (b"", ""),
    ],
)
def test_what_a_refusal_says_is_found_in_every_form(body: bytes, message: str) -> None:
    assert read_error(body).message == message


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=4) | st.integers(),
        lambda v: (
            st.lists(v) | st.dictionaries(st.sampled_from(["error", "errors", "message", "detail", "code", "type", "metadata", "loc"]), v)
        ),
        max_leaves=8,
    ).map(lambda v: json.dumps(v).encode())
)
def test_no_body_is_so_strange_that_reading_it_fails(body: bytes) -> None:
    for status in (200, 302, 400, 429, 503):
        fault = OPENAI.fault(status, {}, body)
        assert len(fault.message) <= 500
        assert fault.body


def test_a_refusal_passes_byte_for_byte_within_a_dialect() -> None:
    body = b'{"type":"error", "error":{"type":"invalid_request_error","message":"Invalid `signature`"},"x_vendor":{"kept":true}}'
    fault = ANTHROPIC.fault(400, {"content-type": "application/json; charset=utf-8"}, body)
    assert (fault.body, fault.status, fault.content_type) == (body, 400, "application/json; charset=utf-8")
    assert fault.message == "Invalid `signature`"


def test_a_redirect_is_told_as_a_bad_gateway_and_followed_by_nobody() -> None:
    fault = OPENAI.fault(307, {"location": "https://elsewhere.example"}, b"")
    assert fault.status == 502
    assert b"elsewhere" not in fault.body


FORMS: list[tuple[Dialect, str]] = [
    ("gemini", '{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}'),
    ("bedrock", '{"message":"no"}'),
    ("workers_ai", '{"result":null,"success":false,"errors":[{"code":3404,"message":"no"}],"messages":[]}'),
    ("openai", '{"error":{"message":"no","type":"not_found_error","param":"model","code":"model_not_found"}}'),
]


@pytest.mark.parametrize(("dialect", "shown"), FORMS, ids=[dialect for dialect, _ in FORMS])
def test_a_refusal_of_our_own_is_in_the_words_of_the_providers_clients(dialect: Dialect, shown: str) -> None:
    assert exchange_of("native", provider_of(dialect)).refusal("model_not_found", 404, "no", "model", "r").decode() == shown
    assert asked("native").model == ""


def test_a_page_is_told_by_the_words_that_a_reader_sees() -> None:
    page = b"<html><HEAD><title>t</title></HEAD><header>Bad</header><style>p{}</style><script>if(a<b){}</script><p>gateway</html>"
    assert read_error(page).message == "Bad gateway"


@pytest.mark.parametrize("part", [b"<script ", b"<", b"<a", b"</style><style>"])
def test_a_page_of_tags_that_nobody_closes_is_read_to_its_end(part: bytes) -> None:
    assert len(read_error(part * 1_000_000).message) <= 500


def test_a_refusal_too_heavy_to_be_decoded_is_told_by_its_beginning_and_passes_as_it_came() -> None:
    body = b'{"error":{"message":"no","x":[' + b"[]," * 60_000 + b"[]]}}"
    fault = OPENAI.fault(400, {"content-type": "application/json"}, body)
    assert (fault.status, fault.body) == (400, body)
    assert "no" in fault.message


def test_a_number_of_thousands_of_digits_in_a_refusal_is_a_word_like_any_other() -> None:
    fault = ANTHROPIC_TO_OPENAI.fault(400, {}, openai("9" * 5_000, "context_length_exceeded"))
    assert fault.kind == "context"
