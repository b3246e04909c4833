"""Shape what a runner answered: select, measure, keep what is too large under a handle."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from oauth.principal import Principal
from tools.always_on import MAX_CHARS
from tools.dispatch.identity import LONG_ANSWER_CHARS, identity_of, members_beside
from tools.dispatch.large_answers import selection_from, shortened
from tools.dispatch.missed_names import lists
from tools.dispatch.wire import fits
from tools.errors import QuotaExceeded, ToolError
from tools.expressions.reads import Miss
from tools.expressions.selection import SelectFault
from tools.heavy_json.weight import weight
from tools.json_schema.value_types import Known
from tools.json_text import encode
from tools.large_json import LargeJson
from tools.operation import Call, Download, Failure, Json, Operation, Outcome, Size
from tools.quotas import not_kept
from tools.stores import RESULT_TTL_S, ResultStore

#: for the selection, also where the call itself took all its time
SELECT_S = 2.0
#: of an answer whose first rows are looked for here
MAX_SHORTENED_WEIGHT = 20_000
#: names that were selected in vain
MAX_TOLD = 5
HOW_TO_TOLERATE = "a member that may be absent is asked for with ||, like note || ''"


class Shaping:
    def __init__(self, results: ResultStore) -> None:
        self._results = results

    async def shape(self, call: Call, outcome: Outcome) -> Outcome:
        """Return `outcome` as its caller asked for it. An answer to nobody's eyes (`max_chars` None) is only selected from."""
        if outcome.status != "ok" or outcome.bare:
            return outcome
        options = call.options
        data = outcome.data
        if isinstance(data, Download):
            try:
                return await self._keep_download(call.principal, outcome, data)
            except QuotaExceeded as error:
                return _unkept(call, outcome, error)
        if options.select is not None:
            try:
                ends_at = max(call.deadline, asyncio.get_running_loop().time() + SELECT_S)
                data, missed = await selection_from(options.select, data, ends_at, call.principal.person)
            except (SelectFault, ToolError) as fault:
                return await self._unselected(call, outcome, fault.failure)
            if missed and (notes := _told(call.operation, missed)):
                if options.max_chars is None:
                    # What takes the answer on would take nothing on, without a word.
                    failure = Failure("invalid_select", "; ".join(notes), hint=HOW_TO_TOLERATE)
                    return await self._unselected(call, outcome, failure)
                outcome = await self._kept_beside(call.principal, outcome, notes)
            if outcome.page is not None:
                outcome = replace(outcome, page=replace(outcome.page, items=len(data) if isinstance(data, list) else None))
        if options.max_chars is None:
            return outcome if data is outcome.data else replace(outcome, data=data)
        body = data.text if isinstance(data, LargeJson) else encode(data)
        # What is short is shown whole, whatever it is.
        if len(body) <= min(LONG_ANSWER_CHARS, options.max_chars) and not isinstance(data, LargeJson):
            return _answered(call, outcome, data, body)
        return await self._sized(call, outcome, data, body, options.max_chars)

    async def _sized(self, call: Call, outcome: Outcome, data: Json, body: bytes, max_chars: int) -> Outcome:
        total = len(body)
        if not isinstance(data, LargeJson):
            if total > LONG_ANSWER_CHARS and _is_plain_write(call) and (lean := await self._identified(call.principal, outcome, body)):
                return lean
            if fits(body, max_chars):
                return _answered(call, outcome, data, body)
        try:
            handle = await self._results.put(call.principal, body, "application/json", RESULT_TTL_S)
        except QuotaExceeded as error:
            return _unkept(call, outcome, error)
        # What is bearable to encode may still be too much to look through for its first rows.
        looked_at = data if isinstance(data, LargeJson) or weight(body) <= MAX_SHORTENED_WEIGHT else LargeJson(body)
        shown = await shortened(looked_at, total, max_chars, handle, call.principal.person)
        shown_json = encode(shown)
        return replace(outcome, data=shown, data_json=shown_json, size=Size(total, len(shown_json.decode())), handle=handle)

    async def _identified(self, principal: Principal, outcome: Outcome, body: bytes) -> Outcome | None:
        """Return the long answer of a write by what identifies it; None where nothing does, or the rest cannot be kept."""
        identity = identity_of(outcome.data)
        if identity is None:
            return None
        try:
            handle = await self._results.put(principal, body, "application/json", RESULT_TTL_S)
        except QuotaExceeded:
            return None
        left = members_beside(outcome.data, identity)
        rest = f" ({left})" if left else ""
        note = f"of {len(body)} bytes, what identifies the answer is shown; result.read with this handle and select has the rest{rest}"
        shown_json = encode(identity)
        size = Size(len(body), len(shown_json.decode()))
        return replace(outcome, data=identity, data_json=shown_json, size=size, handle=handle, notes=(*outcome.notes, note))

    async def _keep_download(self, principal: Principal, outcome: Outcome, download: Download) -> Outcome:
        handle = await self._results.put(principal, download.body, download.media_type, RESULT_TTL_S)
        data = {"file": {"media_type": download.media_type, "bytes": len(download.body), "filename": download.filename}}
        kept = "the file is kept for 30 minutes; result.read gives its text or base64"
        note = f"{kept} ({outcome.note})" if outcome.note else kept
        return replace(outcome, data=data, size=Size(len(download.body), 0), handle=handle, note=note)

    async def _kept_beside(self, principal: Principal, outcome: Outcome, notes: tuple[str, ...]) -> Outcome:
        """Return `outcome` with a word on what was selected in vain, and a handle for the whole answer: nothing has to run twice."""
        with suppress(QuotaExceeded):
            handle = await self._results.put(principal, encode(outcome.data), "application/json", RESULT_TTL_S)
            outcome = replace(outcome, handle=handle)
        return replace(outcome, notes=(*outcome.notes, *notes))

    async def _unselected(self, call: Call, outcome: Outcome, failure: Failure) -> Outcome:
        """The operation ran, only the selection failed: keep its answer, so that nothing has to run twice."""
        try:
            handle = await self._results.put(call.principal, encode(outcome.data), "application/json", RESULT_TTL_S)
        except QuotaExceeded as error:
            return _unkept(call, outcome, error)
        hint = f"'{call.operation.id}' itself succeeded; read its answer by this handle with result.read and another select"
        hint = f"{hint}; {failure.hint}" if failure.hint == HOW_TO_TOLERATE else hint
        return replace(outcome, status="error", data=None, error=replace(failure, hint=hint), handle=handle)


def _is_plain_write(call: Call) -> bool:
    """Say whether this wrote and nobody said what of its answer, or how much, is wanted."""
    operation, options = call.operation, call.options
    return operation.access != "read" and operation.kind != "builtin" and options.select is None and options.max_chars == MAX_CHARS


def _told(operation: Operation, missed: tuple[Miss, ...]) -> tuple[str, ...]:
    """Return a word on each name that was selected in vain; one that the operation's own schema lists may be absent."""
    known = Known(operation.output_schema or {}, operation.output_schema or {})
    return tuple(f"select: {miss.told('the answer')}" for miss in missed[:MAX_TOLD] if not lists(known, miss.read))


def _unkept(call: Call, outcome: Outcome, error: QuotaExceeded) -> Outcome:
    """Return that the operation ran and its answer could not be kept: not the answer, and no invitation to write again."""
    hint = f"'{call.operation.id}' itself succeeded, only its answer is lost; {error.failure.hint}"
    return replace(outcome, status="error", data=None, error=not_kept(error, hint))


def _answered(call: Call, outcome: Outcome, data: Json, body: bytes) -> Outcome:
    """Return the common answer: whole, measured, ready for the record. Spelled out, since `replace` takes twice as long (0018)."""
    total = len(body)
    return Outcome(
        status=outcome.status,
        data=data,
        data_json=body,
        page=outcome.page,
        size=Size(total, total),
        handle=outcome.handle,
        http=outcome.http,
        note=outcome.note,
        notes=outcome.notes,
        trace_id=call.trace_id,
        task=outcome.task,
    )
