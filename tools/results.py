"""From what an operation answered to what the model reads: selected, sized, nothing cut silently."""

import json
from collections.abc import Sequence
from typing import Any

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from tools.operation import Failure, Json, Outcome
from tools.outline import outline_of, preview_of

MAX_CHARS = 16_000
RESULT_TTL_S = 30 * 60
_MAX_EXPRESSIONS = 2_000
_compiled: dict[str, ParsedResult] = {}


class SelectFault(Exception):
    """`select` is not JMESPath, or cannot be applied to this answer."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(
            code="invalid_select",
            message=f"select: '{expression[:120]}' is not usable JMESPath: {reason}",
            hint="select is JMESPath over data, like results[].{id: id, name: name}; quote keys with - or $ in double quotes",
        )


def compile_select(select: str | Sequence[str] | None) -> None:
    """Parse `select` before anything is sent. Raises SelectFault."""
    for expression in (select,) if isinstance(select, str) else select or ():
        _parse(expression)


def apply_select(select: str | Sequence[str], data: Json) -> Json:
    """Return what `select` takes from `data`: one value, or for a list an object from each expression to its value.

    Raises SelectFault.
    """
    if isinstance(select, str):
        return _search(select, data)
    return {expression: _search(expression, data) for expression in select}


def encode(data: Json) -> bytes:
    """Return `data` as compact JSON; what JSON cannot say (dates from YAML) as text."""
    try:
        return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers beyond 64 bits, lone surrogates: JSON all the same, and an answer must not be lost to them.
        return json.dumps(data, default=str).encode()


def shorten(data: Json, max_chars: int) -> Json:
    """Return what stands in for an answer that is too large: how it is built and its first rows, in at most about `max_chars`."""
    outline = outline_of(data)
    most = max_chars // 3
    if len(outline) > most:
        outline = f"{outline[:most]}…"
    return {"outline": outline, "first": preview_of(data, max(64, max_chars - len(outline) - 32))}


def to_wire(outcome: Outcome) -> dict[str, Json]:
    """Return `structuredContent`: the outcome without what it does not have. `bare`: just its data."""
    if outcome.bare and isinstance(outcome.data, dict):
        return outcome.data
    wire: dict[str, Json] = {"status": outcome.status}
    if outcome.data is not None or outcome.status == "ok":
        wire["data"] = outcome.data
    if outcome.page is not None:
        page = outcome.page
        wire["page"] = {"next_cursor": page.next_cursor, "has_more": page.has_more, "items": page.items}
    if outcome.size is not None:
        wire["size"] = {"total_bytes": outcome.size.total_bytes, "returned_chars": outcome.size.returned_chars}
    if outcome.handle is not None:
        wire["handle"] = outcome.handle
    if outcome.http is not None:
        http = outcome.http
        wire["http"] = _present(status=http.status, request_id=http.request_id, rate_limit=http.rate_limit)
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
    if outcome.trace_id is not None:
        wire["trace_id"] = outcome.trace_id
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


def to_text(outcome: Outcome) -> str:
    """Return the same answer as text, for clients that show only text to the model."""
    return outcome.text if outcome.text is not None else encode(to_wire(outcome)).decode()


def _present(**members: Any) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}


def _parse(expression: str) -> ParsedResult:
    parsed = _compiled.get(expression)
    if parsed is None:
        try:
            parsed = jmespath.compile(expression)
        except (JMESPathError, RecursionError) as error:
            raise SelectFault(expression, str(error).splitlines()[0] if str(error) else "it nests too deeply") from error
        if len(_compiled) >= _MAX_EXPRESSIONS:
            _compiled.clear()
        _compiled[expression] = parsed
    return parsed


def _search(expression: str, data: Json) -> Json:
    try:
        return _parse(expression).search(data)
    except (JMESPathError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise SelectFault(expression, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
