"""Whether a call that failed may have taken effect: what was sent and not answered is unsure, and is never repeated unasked."""

from dataclasses import replace

from tools.operation import Failure, Operation, Outcome

UNSURE = "it may have taken effect; look before you repeat it"
#: failures that by their meaning come before anything is sent
_NEVER_SENT = frozenset(
    {
        "unknown_account",
        "egress_refused",
        "definition_changed",
        "operation_gone",
        "invalid_arguments",
        "invalid_cursor",
        "not_available",
        "busy",
        "quota_exceeded",
        "upstream_unreachable",
    }
)
#: the client errors of RFC 9110 §15.5 say that a request was refused; 408 says that it was not waited for, as proxies say in
#: numbers of their own (nginx's 444 and 499, the 460 of AWS)
_NOT_WAITED_FOR = frozenset({408, 444, 460, 499})
#: RFC 9110 §15.4.8, RFC 9110 §15.4.9: the request was not acted on, it is to be repeated elsewhere
_ELSEWHERE = frozenset({307, 308})


def was_sent(failure: Failure) -> bool:
    """Say whether anything of the request may have gone out."""
    return failure.sent and failure.code not in _NEVER_SENT


def may_have_taken_effect(outcome: Outcome) -> bool:
    """Say whether a call that failed may have changed something upstream: everything but a known no."""
    failure = outcome.error
    if outcome.status != "error" or failure is None or failure.declined or not was_sent(failure):
        return False
    status = (failure.upstream or {}).get("status")
    is_refused = isinstance(status, int) and ((400 <= status < 500 and status not in _NOT_WAITED_FOR) or status in _ELSEWHERE)
    return not is_refused


def told(operation: Operation, outcome: Outcome) -> Outcome:
    """Return a failed outcome that says so where it may have taken effect and repeating would do harm."""
    failure = outcome.error
    if failure is None or operation.idempotent or operation.access == "read" or not may_have_taken_effect(outcome):
        return outcome
    hint = failure.hint or UNSURE
    return replace(outcome, error=replace(failure, retryable=False, hint=hint if UNSURE in hint else f"{UNSURE}; {hint}"))
