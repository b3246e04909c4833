"""The one door: resolve, permit, validate, run, page, shape, record."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from oauth.connections.errors import UnknownConnection
from oauth.principal import Principal
from tools.always_on import MAX_CHARS, NAMES_ANOTHER
from tools.call_failures import not_available, takes_connection, unknown_connection
from tools.catalog.search_feedback import SearchFeedback
from tools.dispatch.confirmations import Agreement, counts_once
from tools.dispatch.execution import broken, run_guarded, run_in_time
from tools.dispatch.failure_classes import class_of, reason_of
from tools.dispatch.idempotency import Idempotency
from tools.dispatch.pages.pager import Pager
from tools.dispatch.policy import Admission
from tools.dispatch.shaping import Shaping
from tools.errors import ToolError
from tools.operation import (
    Call,
    CallOptions,
    ClientInfo,
    Failure,
    Json,
    Kind,
    Outcome,
    Progress,
    Runner,
    no_progress,
)
from tools.stores import CallRecord, Recorder
from tools.trace_ids import new_trace_id
from tools.turns import TURN_S
from tools.upstream_time import UpstreamTime
from tools.value_objects import value_object

MAX_ID_CHARS = 200
#: how an operation runs that a client calls by its own name
DIRECT = CallOptions(max_chars=MAX_CHARS)


@value_object
class _Request:
    """What stays the same for every operation that one request of a client runs."""

    principal: Principal
    client: ClientInfo
    progress: Progress
    tool: str
    trace_id: str


class _Reentry:
    """`Call.again`: the door once more, for the same principal, within the same deadline."""

    __slots__ = ("_deadline", "_dispatcher", "_request")

    def __init__(self, dispatcher: "Dispatcher", request: _Request, deadline: float) -> None:
        self._dispatcher, self._request, self._deadline = dispatcher, request, deadline

    async def __call__(self, operation_id: str, arguments: Mapping[str, Json], options: CallOptions = CallOptions()) -> Outcome:
        return await self._dispatcher.enter(self._request, operation_id, arguments, options, self._deadline)


class Dispatcher:
    """Runs any operation for a principal; every call, from whatever tool, step or page, comes through here."""

    def __init__(
        self,
        *,
        admission: Admission,
        agreement: Agreement,
        runners: Mapping[Kind, Runner],
        shaping: Shaping,
        recorder: Recorder,
        idempotency: Idempotency,
        pager: Pager,
        usage: SearchFeedback | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._admission, self._agreement, self._runners, self._shaping = admission, agreement, runners, shaping
        self._recorder, self._idempotency, self._pager, self._usage, self._clock = recorder, idempotency, pager, usage, clock

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        progress: Progress = no_progress,
        trace_id: str | None = None,
        options: CallOptions = DIRECT,
    ) -> Outcome:
        """Answer a `tools/call`: `name` is one of the three tools or any operation that the tenant sees.

        `options`: of an operation that is called by its own name, over another door than MCP.
        """
        if not name.isascii():
            name = name.encode(errors="replace").decode()
        request = _Request(principal, client, progress, name[:MAX_ID_CHARS], trace_id or new_trace_id())
        began = time.perf_counter()
        asked = self._admission.asked(principal, name, arguments) if name in NAMES_ANOTHER else None
        # Arguments of megabytes take long to look at, and each look is one piece.
        if time.perf_counter() - began > TURN_S:
            await asyncio.sleep(0)
        if asked is not None:
            (operation_id, given, options), notes = asked
            outcome = await self.enter(request, operation_id, given, options, math.inf)
            return outcome.noting(notes) if notes else outcome
        return await self.enter(request, name, arguments, options, None)

    async def enter(
        self, request: _Request, operation_id: str, arguments: Mapping[str, Json], options: CallOptions, deadline: float | None
    ) -> Outcome:
        """Pass the door once and leave one record, whatever happens. `deadline` None: the client's own call."""
        started = time.perf_counter()
        outcome = _CANCELLED
        upstream = UpstreamTime()
        try:
            admitted = self._admit(request, operation_id, arguments, options, deadline, upstream)
            if time.perf_counter() - started > TURN_S:
                await asyncio.sleep(0)
            if isinstance(admitted, Outcome):
                outcome = admitted
            else:
                outcome = await self._run(admitted)
                if admitted.notes:
                    outcome = outcome.noting(admitted.notes)
        except ToolError as error:
            outcome = _failed(error.failure)
        except Exception:
            outcome = broken(operation_id, request.trace_id)
        finally:
            self._record(request, operation_id, options, outcome, upstream, (time.perf_counter() - started) * 1000)
        return outcome if outcome.trace_id == request.trace_id else replace(outcome, trace_id=request.trace_id)

    def _admit(
        self,
        request: _Request,
        operation_id: str,
        arguments: Mapping[str, Json],
        options: CallOptions,
        deadline: float | None,
        upstream: UpstreamTime,
    ) -> Call | Outcome:
        """Return the call that is permitted and valid, or why there is none."""
        admitted = self._admission.admit(request.principal, operation_id, arguments, options, is_nested=deadline is not None)
        if isinstance(admitted, Failure):
            return _failed(admitted)
        operation, arguments, notes, seconds = admitted
        limit = time.monotonic() + seconds
        deadline = limit if deadline is None else min(limit, deadline)
        return Call(
            principal=request.principal,
            operation=operation,
            arguments=arguments,
            options=options,
            tool=request.tool,
            trace_id=request.trace_id,
            deadline=deadline,
            client=request.client,
            again=_Reentry(self, request, deadline),
            progress=request.progress,
            notes=notes,
            upstream=upstream,
        )

    async def _run(self, call: Call) -> Outcome:
        operation = call.operation
        runner = self._runners.get(operation.kind)
        if runner is None:
            return _failed(not_available(operation))
        if call.options.dry_run:
            return await self._preview(runner, call)
        given_account = call.options.account
        if operation.access != "read" and takes_connection(operation):
            call = self._agreement.with_connection(call)
        if asks_first := operation.access == "destructive" and self._agreement.is_needed(call):
            refusal = self._agreement.question(call, given_account)
            if refusal is not None:
                return refusal
        if operation.reenters:
            return await run_guarded(runner, call)
        if operation.access == "read":
            outcome = await run_in_time(runner, self._pager, call)
        elif asks_first and counts_once(token := call.options.confirm or ""):
            outcome = await self._idempotency.confirmed(call, token, partial(self._keyed, runner))
        else:
            outcome = await self._keyed(runner, call)
        if self._usage is not None and outcome.status == "ok":
            self._usage.called(call.principal, operation)
        return await self._shaping.shape(call, outcome)

    async def _keyed(self, runner: Runner, call: Call) -> Outcome:
        key = self._idempotency.key_of(call)
        if key is None:
            return await run_in_time(runner, self._pager, call)
        return await self._idempotency.run(call, key, partial(run_in_time, runner, self._pager))

    async def _preview(self, runner: Runner, call: Call) -> Outcome:
        would_ask = self._agreement.is_needed(call)
        key = self._idempotency.key_of(call)
        if key is not None:
            call = replace(call, options=replace(call.options, idempotency_key=key.name))
        try:
            request = await runner.preview(call)
        except UnknownConnection as error:
            return _failed(unknown_connection(call, error))
        data: dict[str, Json] = {"request": request, "would_need_confirmation": would_ask}
        if key is not None:
            data["idempotency_key"] = key.name
        return Outcome("ok", data=data, note="dry run: nothing was sent")

    def _record(
        self, request: _Request, operation_id: str, options: CallOptions, outcome: Outcome, upstream: UpstreamTime, duration_ms: float
    ) -> None:
        ok = outcome.status == "ok"
        principal = request.principal
        self._recorder.record(
            CallRecord(
                tenant_id=principal.tenant_id,
                tool=request.tool,
                operation=operation_id[:MAX_ID_CHARS],
                auth_method=principal.auth_method,
                duration_ms=duration_ms,
                success=ok,
                error_code=None if ok else outcome.error.code if outcome.error else outcome.status,
                trace_id=request.trace_id,
                subject=principal.subject,
                client_id=principal.client_id,
                called_at_us=int(self._clock() * 1_000_000),
                error_class="" if ok else class_of(outcome),
                upstream_ms=upstream.ms or None,
                upstream_status=upstream.status,
                reason="" if ok or outcome.error is None else reason_of(outcome.error),
                account=(options.account or "")[:MAX_ID_CHARS],
                step=options.step,
            )
        )


_CANCELLED = Outcome("error", error=Failure("cancelled", "the call was cancelled", retryable=True))


def _failed(failure: Failure) -> Outcome:
    return Outcome("error", error=failure)
