"""Rows as OpenTelemetry's own message reads them (opentelemetry-proto)."""

import base64
import json
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from server.log_sinks.batch import Batch
from server.log_sinks.otlp_logs import logs_request

TRACE_ID = "0192f0c1a2b3c4d5e6f708192a3b4c5d"
AT = {"time": "2026-11-28T10:00:00.000001Z", "time_us": 1_795_860_000_000_001}
CALL: dict[str, Any] = {
    **AT,
    "seq": 2**53 + 1,
    "tenant": "acme",
    "operation": "crm.deals.list",
    "duration_ms": 12.5,
    "upstream_status": None,
    "success": False,
    "error_class": "upstream",
    "reason": "it said 503",
    "trace_id": TRACE_ID,
}
LINE: dict[str, Any] = {
    **AT,
    "seq": 3,
    "level": "warning",
    "event": "log_sink_failed",
    "logger": "ascend",
    "trace_id": "not-sixteen-bytes",
    "facts": {"rows": [1, 2.5, True, None, "x"], "where": {"sink": "a"}},
}


def parsed(batch: Batch) -> list[LogRecord]:
    """Return the records as a collector reads them."""
    sent = json.loads(logs_request(batch, "ascend-gateway", "production"))
    # OTLP writes ids in hexadecimal, where the JSON of protocol buffers has base64 ("JSON Protobuf Encoding").
    for record in sent["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        if "traceId" in record:
            record["traceId"] = base64.b64encode(bytes.fromhex(record["traceId"])).decode()
    request = Parse(json.dumps(sent), ExportLogsServiceRequest())
    [of_resource] = request.resource_logs
    assert {each.key: each.value.string_value for each in of_resource.resource.attributes}["deployment.environment.name"] == "production"
    [of_scope] = of_resource.scope_logs
    assert of_scope.scope.name == f"ascend.{batch.stream}"
    return list(of_scope.log_records)


def test_a_call_is_a_record_with_its_trace_and_its_numbers() -> None:
    """Logs data model: an upstream's failure is an error; 64 bits are whole."""
    [record] = parsed(Batch("calls", [CALL]))
    assert (record.time_unix_nano, record.trace_id.hex()) == (1_795_860_000_000_001_000, TRACE_ID)
    assert (record.severity_number, record.severity_text, record.event_name) == (17, "ERROR", "call")
    attributes = {each.key: each.value for each in record.attributes}
    assert attributes["seq"].int_value == 2**53 + 1
    assert (attributes["duration_ms"].double_value, attributes["success"].bool_value) == (12.5, False)
    # What is not there is no attribute, and what the record says itself is none either.
    assert not {"upstream_status", "time", "trace_id"} & attributes.keys()


def test_a_line_keeps_its_facts_and_an_id_that_is_none_stays_an_attribute() -> None:
    [record] = parsed(Batch("lines", [LINE]))
    assert (record.severity_number, record.body.string_value, record.trace_id) == (13, "log_sink_failed", b"")
    attributes = {each.key: each.value for each in record.attributes}
    assert attributes["trace_id"].string_value == "not-sixteen-bytes"
    facts = {each.key: each.value for each in attributes["facts"].kvlist_value.values}
    assert [each.WhichOneof("value") for each in facts["rows"].array_value.values] == [
        "int_value", "double_value", "bool_value", "string_value", "string_value",
    ]  # fmt: skip
    assert facts["where"].kvlist_value.values[0].value.string_value == "a"


def test_a_callers_mistake_is_a_warning_and_a_success_tells_nothing() -> None:
    rows = [CALL | {"error_class": "caller"}, CALL | {"success": True, "error_class": ""}]
    assert [record.severity_text for record in parsed(Batch("calls", rows))] == ["WARNING", "INFO"]
