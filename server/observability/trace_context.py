"""The trace that a call belongs to: W3C trace context in, one span per call out."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, StatusCode, Tracer, TracerProvider

from tools.stores import CallRecord
from tools.trace_ids import new_trace_id
from tools.value_objects import value_object

_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
BATCH = "batch_execute"
_CARRIER_KEYS = ("traceparent", "tracestate", "baggage")
NO_CARRIER: Mapping[str, str] = MappingProxyType({})


@value_object
class CallSpan:
    """The trace id that the call's record, log line and answer name; `span` None: nobody collects spans."""

    trace_id: str
    span: Span | None = None

    def failed(self, code: str) -> None:
        """Mark the span as failed with an error code; messages may carry arguments and stay out of it."""
        if self.span is not None:
            self.span.set_attribute("error.type", code)
            self.span.set_status(StatusCode.ERROR)


class Tracing:
    """Opens the one span of each call. Needs only the OpenTelemetry API: without an SDK it makes trace ids and no spans."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = collecting_tracer(provider)
        #: whether anybody collects spans
        self.is_collected = self._tracer is not None

    @contextmanager
    def call(self, tool: str, protocol_version: str, carrier: Mapping[str, str]) -> Iterator[CallSpan]:
        """Open the span of a `tools/call` under the trace that `carrier` names, or under a new one."""
        if self._tracer is None:
            yield CallSpan(trace_id_of(carrier))
            return
        attributes = {
            "mcp.method.name": "tools/call",
            "mcp.protocol.version": protocol_version,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
        }
        with self._tracer.start_as_current_span(
            f"tools/call {tool}",
            context=extract(carrier) if trace_is_valid(carrier) else None,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield CallSpan(f"{span.get_span_context().trace_id:032x}", span)

    def recorded(self, record: CallRecord) -> None:
        """Put the facts of a call on its span; each step of a batch gets a span of its own under the batch's."""
        if self._tracer is None:
            return
        attributes = {
            "ascend.tenant": record.tenant_id,
            "ascend.operation": record.operation,
            "ascend.client": record.client_id,
            "ascend.auth_method": record.auth_method,
        }
        if record.tool != BATCH or record.operation == BATCH:
            trace.get_current_span().set_attributes(attributes)
            return
        end_ns = time.time_ns()
        start_ns = end_ns - int(record.duration_ms * 1_000_000)
        step = self._tracer.start_span(f"operation {record.operation}", attributes=attributes, start_time=start_ns)
        if record.error_code is not None:
            step.set_attribute("error.type", record.error_code)
            step.set_status(StatusCode.ERROR)
        step.end(end_ns)


def collecting_tracer(provider: TracerProvider | None = None) -> Tracer | None:
    """Return the gateway's tracer (None: the process's provider), or None where nobody collects spans."""
    provider = provider or trace.get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider | trace.NoOpTracerProvider) else provider.get_tracer("ascend")


def carrier_of(meta: Mapping[str, Any] | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the trace context of a request: `_meta` first (MCP 2026-07-28), the HTTP headers otherwise."""
    if "traceparent" not in headers and (meta is None or "traceparent" not in meta):
        return {}
    for source in (meta or {}, headers):
        carrier = {key: value for key in _CARRIER_KEYS if isinstance(value := source.get(key), str)}
        if trace_is_valid(carrier):
            return carrier
    return {}


def trace_is_valid(carrier: Mapping[str, str]) -> bool:
    """Say whether `carrier` holds a traceparent as W3C Trace Context §3.2 has it."""
    return bool(_TRACEPARENT.match(carrier.get("traceparent", "")))


def trace_id_of(carrier: Mapping[str, str]) -> str:
    """Return the trace id of `carrier`, or a new one."""
    match = _TRACEPARENT.match(carrier.get("traceparent", "")) if carrier else None
    return match[1] if match else new_trace_id()
