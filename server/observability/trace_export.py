"""Sends spans to an OpenTelemetry collector, where the operator names one and the `telemetry` extra is installed."""

import logging
from collections.abc import Callable, Mapping
from importlib import import_module

from opentelemetry import trace

from server.identity import NAME, VERSION

logger = logging.getLogger(__name__)

#: The OpenTelemetry specification's own variables: the exporter reads them, and everything else that starts with OTEL_.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def start_trace_export(environ: Mapping[str, str]) -> Callable[[], None]:
    """Begin to export spans, once a process and before `Tracing()` is made; return what flushes and ends it.

    The collector is the operator's own machinery, named by the operator: it is reached directly, not through the egress guard.
    """
    if not any(environ.get(name) for name in ENDPOINTS):
        return _nothing
    try:
        # By name, because the gateway must start without them.
        sdk, export = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.export")
        resources = import_module("opentelemetry.sdk.resources")
        otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ModuleNotFoundError as error:
        facts = {"missing": error.name, "fix": "install the extra `telemetry`, or unset the endpoint"}
        logger.warning("trace_export_unavailable", extra={"facts": facts})
        return _nothing
    resource = resources.Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", NAME), "service.version": VERSION})
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    shutdown: Callable[[], None] = provider.shutdown
    return shutdown


def _nothing() -> None:
    """End an export that never began."""
