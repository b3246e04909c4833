"""Calls as the recorder writes them, for what shows them."""

import time
from dataclasses import replace
from typing import Any

from tools.stores import CallRecord


def call_record(tenant_id: str = "acme", subject: str = "ada", code: str | None = None, ago_s: float = 60, **more: Any) -> CallRecord:
    """Return a call of `ago_s` seconds ago; with `code` one that failed at its upstream."""
    record = CallRecord(
        tenant_id=tenant_id,
        tool="call_api",
        operation="crm.deals.list",
        auth_method="access_token",
        duration_ms=12.5,
        success=code is None,
        error_code=code,
        trace_id="0" * 31 + "a",
        subject=subject,
        client_id="client",
        called_at_us=time.time_ns() // 1_000 - round(ago_s * 1_000_000),
        error_class="" if code is None else "upstream",
        reason="" if code is None else f"the upstream answered {code}",
    )
    return replace(record, **more)
