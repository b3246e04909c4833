"""From an outcome to what the model reads: on the wire, as text, and shortened where it is too large."""

from collections.abc import Mapping
from typing import Any

from tools.dispatch.outline import outline_beside, outline_of, preview_of
from tools.json_text import encode
from tools.operation import Failure, Json, Outcome, ResponseMeta

#: a longer outline says only what the first rows do not show
LONG_OUTLINE_CHARS = 400
#: members that a model has no use for: of the answer to one call, and to a plan
_FOR_PROGRAMS, _FOR_PLANS_PROGRAMS = frozenset({"size", "trace_id"}), frozenset({"stats", "trace_id"})


def fits(body: bytes, max_chars: int) -> bool:
    """Say whether JSON is short enough. Bytes are never fewer than characters: only what is near the limit is decoded to count."""
    return len(body) <= max_chars or (len(body) <= 4 * max_chars and len(body.decode()) <= max_chars)


def shorten(data: Json, total_bytes: int, max_chars: int, handle: str) -> dict[str, Json]:
    """Return what stands in for an answer that is too large: how it is built, its first rows, and how to read on."""
    outline = outline_of(data)
    most = max_chars // 3
    if len(outline) > LONG_OUTLINE_CHARS:
        outline = outline_beside(data, preview_of(data, max(64, max_chars - most))) or "as shown"
    if len(outline) > most:
        outline = f"{outline[:most]}…"
    read_on = f"{total_bytes} bytes in all; call_api api='result.read' args={{handle: '{handle}', select, offset, limit}}"
    frame = {"outline": outline, "first": None, "read_on": read_on}
    return {**frame, "first": preview_of(data, max(64, max_chars - len(encode(frame).decode())))}


def to_wire(outcome: Outcome) -> dict[str, Json]:
    """Return `structuredContent`: the outcome without what it does not have. `bare`: just its data."""
    if outcome.bare and isinstance(outcome.data, dict):
        return {**outcome.data, "notes": list(outcome.notes)} if outcome.notes else outcome.data
    wire: dict[str, Json] = {"status": outcome.status}
    if outcome.data is not None or outcome.status == "ok":
        wire["data"] = outcome.data
    if outcome.page is not None:
        page = outcome.page
        wire["page"] = _present(next_cursor=page.next_cursor, has_more=page.has_more, items=page.items)
    if outcome.handle is not None:
        wire["handle"] = outcome.handle
    if outcome.http is not None:
        wire["http"] = http_to_wire(outcome.http)
    if outcome.error is not None:
        wire["error"] = failure_to_wire(outcome.error)
    if outcome.connection is not None:
        needed = outcome.connection
        wire["connection"] = {"provider": needed.provider, "status": needed.status, "url": needed.url, "message": needed.message}
    if outcome.confirmation is not None:
        asked = outcome.confirmation
        wire["confirmation"] = {"confirm": asked.token, "message": asked.message, "expires_in_s": asked.expires_in_s}
    if outcome.note is not None:
        wire["note"] = outcome.note
    if outcome.notes:
        wire["notes"] = list(outcome.notes)
    # What a model has no use for comes last: its text ends before.
    if outcome.size is not None:
        wire["size"] = {"total_bytes": outcome.size.total_bytes, "returned_chars": outcome.size.returned_chars}
    if outcome.trace_id is not None:
        wire["trace_id"] = outcome.trace_id
    return wire


def http_to_wire(http: ResponseMeta) -> dict[str, Json]:
    """Return `http` as the model reads it and as references of a plan see it."""
    wire: dict[str, Json] = {"status": http.status}
    if http.request_id is not None:
        wire["request_id"] = http.request_id
    if http.rate_limit is not None:
        wire["rate_limit"] = http.rate_limit
    if http.told is not None:
        wire["headers"] = http.told
    if http.location is not None:
        wire["location"] = http.location
    return wire


def failure_to_wire(failure: Failure) -> dict[str, Json]:
    """Return `error` as the model reads it."""
    return _present(
        code=failure.code,
        message=failure.message,
        retryable=failure.retryable,
        retry_after_s=failure.retry_after_s,
        upstream=failure.upstream,
        did_you_mean=list(failure.did_you_mean) or None,
        faults=list(failure.faults) or None,
        missing_scopes=sorted(failure.missing_scopes) or None,
        hint=failure.hint,
    )


def text_of(outcome: Outcome, wire: Mapping[str, Json], encoded: bytes) -> str:
    """Return an answer for clients that show only text to the model: `wire`, which is `encoded`, without what only programs read.

    That is `trace_id` where nothing went wrong, `size` where nothing was cut, and `stats` of a plan.
    """
    if outcome.text is not None:
        return "\n".join((outcome.text, *outcome.notes))
    if outcome.status == "ok" and not outcome.bare and outcome.trace_id is not None:
        # What is left out stands at the end: nothing is encoded again.
        has_size = outcome.size is None or (outcome.handle is not None and outcome.size.returned_chars < outcome.size.total_bytes)
        return encoded[: encoded.rindex(b',"trace_id":' if has_size else b',"size":')].decode() + "}"
    if outcome.status == "error":
        return encoded.decode()
    left_out = _FOR_PLANS_PROGRAMS if outcome.bare else _FOR_PROGRAMS
    return encode({name: member for name, member in wire.items() if name not in left_out}).decode()


def _present(**members: Any) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}
