"""What of a provider's answer headers means something to us, and what goes on to the caller."""

import time
from collections.abc import Mapping
from typing import Final

from oauth.retry_after import number_of, retry_after_s
from tools.sources.credential_redaction import Redaction

#: its limits are between it and us, and so are its cookies
_PASSED: Final = ("request-id", "x-request-id", "openai-processing-ms", "x-should-retry")
_WAITS: Final = ("retry-after", "retry-after-ms")
_MAX_CHARS: Final = 500
#: nobody waits longer for a model, and clients count in 32 bits
MAX_WAIT_S: Final = 7 * 24 * 3600.0


def passed_headers(headers: Mapping[str, str], redaction: Redaction | None) -> dict[str, str]:
    """Return what goes on to the caller: nothing that repeats our key or that no header may hold, and a wait only where it is one."""
    names = _PASSED if asked_wait_s(headers, time.time()) is None else _PASSED + _WAITS
    found = {name: headers[name] for name in names if name in headers}
    return {name: value for name, value in found.items() if _may_pass(value) and not (redaction and redaction.holds(value.encode()))}


def _may_pass(value: str) -> bool:
    # RFC 9110 §5.5.
    return value.isprintable() and len(value) <= _MAX_CHARS


def asked_wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return how long a provider asks to wait: `retry-after-ms`, else its Retry-After."""
    wait_ms = number_of(headers.get("retry-after-ms"))
    wait_s = wait_ms / 1_000 if wait_ms is not None else retry_after_s(headers.get("retry-after"), now)
    return None if wait_s is None else min(wait_s, MAX_WAIT_S)
