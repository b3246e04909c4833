"""What of a provider's answer headers means something to us, and what goes on to the caller."""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

from tools.sources.credential_redaction import Redaction

#: its limits are between it and us, and so are its cookies
_PASSED: Final = ("request-id", "x-request-id", "openai-processing-ms", "x-should-retry")
_WAITS: Final = ("retry-after", "retry-after-ms")
_MAX_CHARS: Final = 500
#: nobody waits longer for a model, and clients count in 32 bits
MAX_WAIT_S: Final = 7 * 24 * 3600.0


def passed_headers(headers: Mapping[str, str], redaction: Redaction | None) -> dict[str, str]:
    """Return what goes on to the caller: nothing that repeats our key or that no header may hold, and a wait only where it is one."""
    names = _PASSED if retry_after_s(headers, time.time()) is None else _PASSED + _WAITS
    found = {name: headers[name] for name in names if name in headers}
    return {name: value for name, value in found.items() if _may_pass(value) and not (redaction and redaction.holds(value.encode()))}


def _may_pass(value: str) -> bool:
    # RFC 9110 §5.5.
    return value.isprintable() and len(value) <= _MAX_CHARS


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return how long a provider asks to wait: `retry-after-ms`, else Retry-After in seconds or as a date (RFC 9110 §10.2.3)."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if not (value := headers.get(name, "").strip()):
            continue
        with suppress(ValueError):
            wait_s = float(value) * unit_s
            if not math.isnan(wait_s):
                return min(max(0.0, wait_s), MAX_WAIT_S)
        # A year that no clock has overflows.
        with suppress(ValueError, OverflowError):
            return min(max(0.0, parsedate_to_datetime(value).timestamp() - now), MAX_WAIT_S)
    return None
