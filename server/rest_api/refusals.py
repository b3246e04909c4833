"""What the REST API refuses before an operation is asked, and how refusals and outcomes become HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.dispatch.wire import failure_to_wire
from tools.operation import Failure, Json, Outcome

#: code -> status; whatever is not here is a 400
_STATUSES: Mapping[str, int] = {
    "not_found": 404,
    "unknown_operation": 404,
    "unsupported_media": 415,
    "too_large": 413,
    "encrypted": 422,
    "no_text": 422,
    "damaged": 422,
    "conflict": 409,
    "idempotency_conflict": 409,
    "rate_limited": 429,
    "quota_exceeded": 403,
    "insufficient_scope": 403,
    "egress_refused": 403,
    "upstream_error": 502,
    "busy": 503,
    "store_unavailable": 503,
    "timeout": 504,
    "internal_error": 500,
}
#: RFC 6585 §3: the person's yes is the condition that is missing
NEEDS_CONFIRMATION = 428


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; `body` None has none."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestRefused(Exception):
    """No operation is asked. `status` and the contract's error (context contract §6)."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(status, _error(code, message, hint or None), headers or {})


def answer_of(outcome: Outcome, status: int) -> Answer:
    """Return an outcome as HTTP: its data alone where it is one, `status` then."""
    if outcome.confirmation is not None:
        asked = outcome.confirmation
        body = _error("needs_confirmation", asked.message, "send the same request again with `confirm`, once the person has agreed")
        return Answer(NEEDS_CONFIRMATION, body | {"confirm": asked.token, "expires_in_s": asked.expires_in_s})
    if outcome.error is not None:
        return _refused(outcome.error, outcome.trace_id)
    if outcome.status != "ok":
        return Answer(409, _error(outcome.status, outcome.note or "this cannot be done over this address"))
    return Answer(status, outcome.data)


def _refused(failure: Failure, trace_id: str | None) -> Answer:
    headers = {} if failure.retry_after_s is None else {"retry-after": str(max(1, round(failure.retry_after_s)))}
    told = failure_to_wire(failure)
    del told["retryable"]
    status = _STATUSES.get(failure.code, 400)
    if status >= 500 and trace_id is not None:
        told["trace_id"] = trace_id
    return Answer(status, {"error": {"code": "", "message": "", "hint": None, "faults": [], **told}}, headers)


def _error(code: str, message: str, hint: str | None = None, faults: Sequence[Json] = ()) -> dict[str, Json]:
    return {"error": {"code": code, "message": message, "hint": hint, "faults": list(faults)}}
