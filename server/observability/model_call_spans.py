"""One span for each model call, named and described as the OpenTelemetry GenAI conventions say; no words of anybody are in it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, trace
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from server.observability.trace_context import carrier_of, collecting_tracer, trace_id_of
from tools.ai_gateway.model_request import ModelTrace, Surface
from tools.ai_gateway.records.call_record import ModelCallRecord
from tools.metering.money import to_usd

#: `gen_ai.operation.name`; what is not listed is our own word, as the conventions allow
_OPERATIONS: Final[Mapping[Surface, str]] = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "embeddings": "embeddings",
    "native": "generate_content",
}
#: `gen_ai.provider.name`, where it is not what we call the provider
_PROVIDERS: Final = {"bedrock": "aws.bedrock", "gemini": "gcp.gemini", "mistral": "mistral_ai"}
#: context key of the span that a call over HTTP has opened for itself
_OPENED: Final = context.create_key("ascend-model-call")


class ModelCallSpans:
    """A LedgerWatcher that needs only the OpenTelemetry API: without an SDK there are trace ids and no spans."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = collecting_tracer(provider)

    @contextmanager
    def call(self, headers: Mapping[str, str]) -> Iterator[ModelTrace]:
        """Put a call over HTTP under the trace that `traceparent` names, or under a new one."""
        carrier = carrier_of(None, headers)
        if self._tracer is None:
            yield ModelTrace(trace_id_of(carrier), carrier.get("traceparent", ""))
            return
        span = self._tracer.start_span("model call", context=extract(carrier) if carrier else None, kind=SpanKind.CLIENT)
        token = context.attach(context.set_value(_OPENED, span, trace.set_span_in_context(span)))
        try:
            yield _trace_of(span)
        finally:
            context.detach(token)
            span.end()

    def closed(self, record: ModelCallRecord) -> None:
        """Put the facts of a call on its span; a call from a conversation gets one of its own, under that of the tool call."""
        if self._tracer is None:
            return
        operation = _OPERATIONS.get(record.surface, record.surface)
        name = f"{operation} {record.model or record.requested}".rstrip()
        opened = context.get_value(_OPENED)
        if isinstance(opened, Span):
            opened.update_name(name)
            _describe(opened, operation, record)
            return
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, start_time=record.at_us * 1_000)
        _describe(span, operation, record)
        span.end(time.time_ns())

    def dropped(self, rows: int) -> None:
        """Spans are not dropped with their rows."""


def _describe(span: Span, operation: str, record: ModelCallRecord) -> None:
    facts: dict[str, AttributeValue] = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": record.requested,
        "ascend.request_id": record.id,
        "ascend.tenant": record.tenant_id,
        "ascend.route": record.route,
        "ascend.cache": record.cache,
        "ascend.attempts": len(record.attempts),
    }
    if record.provider:
        facts["gen_ai.provider.name"] = _PROVIDERS.get(record.provider, record.provider)
    if record.outcome != "error":
        facts["gen_ai.response.model"] = record.model
        facts["gen_ai.usage.input_tokens"] = record.usage.input_tokens
        facts["gen_ai.usage.output_tokens"] = record.usage.output_tokens
    if record.cost_nano_usd is not None:
        facts["ascend.cost_usd"] = to_usd(record.cost_nano_usd)
    if record.outcome != "ok":
        facts["error.type"] = str(record.status) if record.outcome == "error" else record.outcome
        span.set_status(StatusCode.ERROR)
    span.set_attributes(facts)


def _trace_of(span: Span) -> ModelTrace:
    found = span.get_span_context()
    return ModelTrace(f"{found.trace_id:032x}", f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}")
