"""Whose affair a failure is, and why it happened, in words that may be kept (operations contract, "Class").

The rate of errors counts what is `ours` and what is the `upstream`'s. A wrong argument is the caller's, and a call that waits for a
connection, a scope or a yes is set up, not broken.
"""

import re
from typing import Literal

from tools.operation import Failure, Outcome
from tools.plain_text import visible
from tools.text.secrets_in_text import redact

ErrorClass = Literal["ours", "upstream", "caller", "setup"]
MAX_REASON_CHARS = 200
#: a value in quotes that is longer was nobody's name
_LONG_QUOTE = re.compile(r"'[^']{61,}'")

_OURS = frozenset({"internal_error", "busy", "answer_not_read", "store_unavailable", "temporarily_unavailable"})
_SETUP = frozenset(
    {
        "needs_connection",
        "needs_confirmation",
        "insufficient_scope",
        "egress_refused",
        "connection_refused",
        "unknown_account",
        "definition_changed",
        "operation_gone",
        "not_available",
        # The upstream let nobody in: the account is what has to change.
        "upstream_unauthorized",
        "upstream_forbidden",
        # Its address has moved: the import is what has to change.
        "upstream_redirected",
    }
)
#: the upstream works, and said no to what was asked
_DECLINED = frozenset({"upstream_rejected", "upstream_not_found", "upstream_conflict", "upstream_tool_error"})


def class_of(outcome: Outcome) -> ErrorClass:
    """Return whose affair it is that an outcome is not ok."""
    code = outcome.error.code if outcome.error is not None else outcome.status
    if code in _OURS:
        return "ours"
    if code in _SETUP:
        return "setup"
    if code == "timeout" or (code.startswith("upstream_") and code not in _DECLINED):
        return "upstream"
    return "caller"


def reason_of(failure: Failure) -> str:
    """Return why, in one line of 200 characters at most: never what an upstream sent, nor an argument's value."""
    if failure.upstream is not None:
        # The message goes on with the upstream's own words.
        status = failure.upstream.get("status")
        return f"answered {status}" if isinstance(status, int) else "the tool itself says that it failed"
    if failure.faults:
        said = "; ".join(f"{fault.get('path') or fault.get('step') or 'arguments'}: {fault.get('rule')}" for fault in failure.faults[:10])
    else:
        # What follows is what there is instead: names of accounts, of operations.
        said = failure.message.partition(";")[0]
    line = " ".join(visible(redact(_LONG_QUOTE.sub("'…'", said[: 4 * MAX_REASON_CHARS]))).split())
    return line if len(line) <= MAX_REASON_CHARS else f"{line[: MAX_REASON_CHARS - 1]}…"
