"""Spans of model calls: one each, in the caller's trace, in the words of the OpenTelemetry GenAI conventions."""

from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.observability.model_call_spans import ModelCallSpans
from server.observability.trace_context import Tracing
from tests.contracts.ai_gateway.model_calls import call
from tools.ai_gateway.token_usage import TokenUsage

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def finished_spans(run: Callable[[ModelCallSpans, TracerProvider], None]) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run(ModelCallSpans(provider), provider)
    return list(exporter.get_finished_spans())


def test_a_call_over_http_is_one_span_in_the_trace_of_its_caller() -> None:
    def run(spans: ModelCallSpans, _provider: TracerProvider) -> None:
        with spans.call({"traceparent": TRACEPARENT}) as trace:
            assert trace.trace_id == "a" * 32
            assert trace.traceparent.startswith(f"00-{'a' * 32}-")
            assert trace.traceparent != TRACEPARENT
            spans.closed(call(provider="bedrock", model="m", usage=TokenUsage(100, output_tokens=40)))

    (span,) = finished_spans(run)
    facts = span.attributes or {}
    assert span.name == "chat m"
    assert span.parent is not None
    assert (facts["gen_ai.operation.name"], facts["gen_ai.provider.name"]) == ("chat", "aws.bedrock")
    assert (facts["gen_ai.usage.input_tokens"], facts["gen_ai.usage.output_tokens"]) == (100, 40)
    assert "error.type" not in facts


def test_a_call_of_a_conversation_is_a_span_under_the_tool_call() -> None:
    def run(spans: ModelCallSpans, provider: TracerProvider) -> None:
        with Tracing(provider).call("llm.invoke", "2026-07-28", {"traceparent": TRACEPARENT}):
            spans.closed(call(outcome="error", status=502))

    model_call, tool_call = finished_spans(run)
    assert model_call.parent is not None
    assert tool_call.context is not None
    assert model_call.parent.span_id == tool_call.context.span_id
    facts = model_call.attributes or {}
    assert (facts["error.type"], model_call.status.is_ok) == ("502", False)
    assert "gen_ai.response.model" not in facts


def test_a_caller_without_a_trace_starts_one() -> None:
    def run(spans: ModelCallSpans, _provider: TracerProvider) -> None:
        with spans.call({"traceparent": "00-none"}) as trace:
            assert len(trace.trace_id) == 32

    (span,) = finished_spans(run)
    assert span.parent is None


def test_where_nobody_collects_spans_there_is_a_trace_id_all_the_same() -> None:
    spans = ModelCallSpans()
    with spans.call({"traceparent": TRACEPARENT}) as trace:
        spans.closed(call())
    assert (trace.trace_id, trace.traceparent) == ("a" * 32, TRACEPARENT)
