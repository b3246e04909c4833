"""What became of one step: for references of later steps, for the answer, and for the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from tools.dispatch.outcome_codec import decode_outcome, encode_outcome
from tools.dispatch.wire import failure_to_wire, http_to_wire
from tools.json_text import decode, encode
from tools.operation import ConnectionRequest, Failure, Json, Outcome

#: ok · failed · skipped (its `if` was false) · dropped (what it needs failed) · waiting (the plan ended before it began)
State = Literal["ok", "failed", "skipped", "dropped", "waiting"]
#: of one step, different ones
MAX_NOTES = 5
#: how a record ends whose data was left out
_OMITTED = b'"omitted":true}'


@dataclass(frozen=True, slots=True)
class StepResult:
    """`outcomes`: one, or one for each element of `for_each`; None stands for an element that never ran."""

    state: State
    outcomes: tuple[Outcome | None, ...] = ()
    is_mapped: bool = False
    ms: float = 0.0
    #: why it did not run
    reason: str | None = None
    #: elements that failed are left out of `data` rather than null
    drops_failed: bool = False
    from_record: bool = False
    #: for each outcome, how often it had run to a clear failure before
    attempts: tuple[int, ...] = ()

    @property
    def is_ok(self) -> bool:
        return self.state == "ok"

    @property
    def failure(self) -> Failure | None:
        """The first failure of the step or its elements."""
        return next((outcome.error for outcome in self.outcomes if outcome is not None and outcome.error is not None), None)

    @property
    def connection(self) -> ConnectionRequest | None:
        """The account that must be connected before the step can go on."""
        return next((outcome.connection for outcome in self.outcomes if outcome is not None and outcome.connection is not None), None)

    def output(self) -> dict[str, Json]:
        """Return what `step_id` is in references and in JMESPath over steps."""
        if self.state in ("skipped", "dropped", "waiting"):
            return {"ok": False, "skipped": True, "data": None, "error": {"code": self.state, "message": self.reason}}
        failure = self.failure
        said: dict[str, Json] = {"ok": self.is_ok, "skipped": False, "error": None if failure is None else failure_to_wire(failure)}
        if self.is_mapped:
            kept = [each for each in self.outcomes if not self.drops_failed or (each is not None and each.status == "ok")]
            return said | {"data": [None if each is None else each.data for each in kept], "items": [_item(each) for each in self.outcomes]}
        (outcome,) = self.outcomes
        said["data"] = None if outcome is None else outcome.data
        if outcome is not None:
            if outcome.page is not None:
                page = outcome.page
                said["page"] = {"next_cursor": page.next_cursor, "has_more": page.has_more, "items": page.items}
            said |= {name: value for name, value in (("handle", outcome.handle), ("note", outcome.note)) if value is not None}
            said |= _http(outcome)
        return said

    def next_attempt(self, index: int) -> int:
        """Return the number of the next attempt at one outcome: another one only where the upstream clearly said no to the last."""
        if index >= len(self.outcomes):
            return 0
        outcome = self.outcomes[index]
        said_no = outcome is not None and outcome.error is not None and bool(outcome.error.upstream)
        return self.attempts[index] + said_no

    def encoded(self, now: float, *, is_repeatable: bool) -> bytes | None:
        """Return the step as its record keeps it; an answer above 1 MiB is left out, and its note says so.

        None: not even that, because the step reads only, so that running it again is better than half a record.
        """
        outcomes = [None if each is None else encode_outcome(each, now) for each in self.outcomes]
        if is_repeatable and any(each is not None and each.endswith(_OMITTED) for each in outcomes):
            return None
        kept = [None if each is None else orjson.Fragment(each) for each in outcomes]
        return orjson.dumps([self.state, self.is_mapped, self.ms, self.reason, self.drops_failed, self.attempts, kept])


def decode_result(record: bytes) -> StepResult:
    """Return the result that `encoded` kept."""
    state, is_mapped, ms, reason, drops_failed, attempts, raw = decode(record)
    outcomes = tuple(None if each is None else decode_outcome(encode(each))[0] for each in raw)
    return StepResult(state, outcomes, is_mapped, ms, reason, drops_failed, from_record=True, attempts=tuple(attempts))


def _item(outcome: Outcome | None) -> dict[str, Json]:
    if outcome is None:
        return {"ok": False, "data": None, "error": {"code": "waiting", "message": "this element was not run"}}
    if outcome.status == "ok":
        more = {"note": outcome.note} if outcome.note else {}
        return {"ok": True, "data": outcome.data, **more, **_http(outcome)}
    return {"ok": False, "data": None, "error": failure_to_wire(failure_of(outcome)), **_http(outcome)}


def _http(outcome: Outcome) -> dict[str, Json]:
    return {} if outcome.http is None else {"http": http_to_wire(outcome.http)}


def failure_of(outcome: Outcome) -> Failure:
    """Return why an outcome gave no data, also where the reason is a person's turn."""
    if outcome.error is not None:
        return outcome.error
    if outcome.connection is not None:
        return Failure("needs_connection", outcome.connection.message, hint=f"the person opens {outcome.connection.url}")
    return Failure(outcome.status, f"the operation answered {outcome.status}")


def step_to_wire(result: StepResult, account: str | None) -> dict[str, Json]:
    """Return a step as the answer shows it: never its data, which `return` chooses."""
    wire: dict[str, Json] = {"ok": result.is_ok, "ms": round(result.ms, 1)}
    if account is not None:
        wire["account"] = account
    if result.state != "ok":
        wire["state"] = result.state
    if result.reason is not None:
        wire["reason"] = result.reason
    if result.from_record:
        wire["from_record"] = True
    if result.is_mapped and result.outcomes:
        wire["items"] = _items_to_wire(result.outcomes)
    elif result.outcomes and (outcome := result.outcomes[0]) is not None:
        if outcome.status != "ok":
            wire["error"] = failure_to_wire(failure_of(outcome))
        wire |= {name: value for name, value in (("handle", outcome.handle), ("note", outcome.note)) if value is not None}
        if outcome.http is not None and outcome.http.location is not None:
            wire["location"] = outcome.http.location
        if outcome.page is not None and outcome.page.has_more:
            wire["page"] = {"next_cursor": outcome.page.next_cursor, "has_more": True}
    if notes := dict.fromkeys(note for each in result.outcomes if each is not None for note in each.notes):
        wire["notes"] = list(notes)[:MAX_NOTES]
    if result.connection is not None:
        wire["connection"] = connection_to_wire(result.connection)
    return wire


def connection_to_wire(request: ConnectionRequest) -> dict[str, Json]:
    """Return what the person has to do."""
    return {"provider": request.provider, "status": request.status, "url": request.url, "message": request.message}


def _items_to_wire(outcomes: tuple[Outcome | None, ...]) -> dict[str, Json]:
    """Return how many elements ran, and each that did not come through, with its upstream's own words."""
    ran = sum(1 for each in outcomes if each is not None and each.status == "ok")
    wire: dict[str, Json] = {"total": len(outcomes), "ok": ran}
    failed: list[Mapping[str, Json]] = [
        {"index": index, "error": failure_to_wire(failure_of(each))}
        for index, each in enumerate(outcomes)
        if each is not None and each.status != "ok"
    ]
    if failed:
        wire["failed"] = failed
    waiting = [index for index, each in enumerate(outcomes) if each is None]
    if waiting:
        wire["not_run"] = waiting
    return wire
