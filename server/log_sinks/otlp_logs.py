"""Rows as OpenTelemetry's log records in JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"; logs data model).

64-bit numbers are texts, ids of traces hexadecimal, times nanoseconds. An id that is none of 16 bytes stays an attribute.
"""

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import orjson

from server.log_sinks.batch import Batch

#: logs data model, "Severity Fields": what our levels are there
SEVERITY: Mapping[str, int] = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_TOLD_ELSEWHERE = frozenset({"time", "time_us", "level", "event", "trace_id"})


def logs_request(batch: Batch, service: str, environment: str) -> bytes:
    """Return an ExportLogsServiceRequest."""
    resource = {"service.name": service, "deployment.environment.name": environment, "service.version": version("ascend-gateway")}
    scope = {"name": f"ascend.{batch.stream}"}
    records = [_record(batch.stream, row) for row in batch.clean()]
    return orjson.dumps(
        {"resourceLogs": [{"resource": {"attributes": _attributes(resource)}, "scopeLogs": [{"scope": scope, "logRecords": records}]}]}
    )


def _record(stream: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    level, event = _told(stream, row)
    record: dict[str, Any] = {
        "timeUnixNano": f"{row['time_us']}000",
        "observedTimeUnixNano": f"{row['time_us']}000",
        "severityNumber": SEVERITY.get(level, 9),
        "severityText": level.upper(),
        "eventName": event,
        "body": {"stringValue": event},
        "attributes": _attributes({name: value for name, value in row.items() if name not in _TOLD_ELSEWHERE}),
    }
    trace_id = row.get("trace_id") or ""
    if _TRACE_ID.fullmatch(trace_id) and int(trace_id, 16):
        record["traceId"] = trace_id
    elif trace_id:
        record["attributes"] += _attributes({"trace_id": trace_id})
    return record


def _told(stream: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """Return level and name of the event that a row is."""
    if stream == "lines":
        return row["level"], row["event"]
    if stream == "audit":
        return "info", "audit"
    return ("info" if row["success"] else "error" if row["error_class"] in ("ours", "upstream") else "warning"), "call"


def _attributes(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value is not None and value != ""]


def _value(value: Any) -> Mapping[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": str(value)}
