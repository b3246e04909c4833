"""The one door: resolve, permit, validate, run, page, shape, record."""

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from oauth.connections.credentials import Credentials
from oauth.principal import Principal
from tools.always_on import MAX_CHARS, NAMES_ANOTHER, Asked
from tools.call_failures import HOW_TO_CONFIRM, nested, no_account, not_available, takes_account, too_long
from tools.catalog.catalog import Catalog
from tools.catalog.search_feedback import SearchFeedback
from tools.catalog.suggestions import Suggestions
from tools.dispatch.arguments import Validators
from tools.dispatch.confirmations import Confirmations, counts_once
from tools.dispatch.execution import broken, run_guarded, run_in_time
from tools.dispatch.idempotency import Idempotency
from tools.dispatch.pages.pager import Pager
from tools.dispatch.policy import Policy
from tools.dispatch.questions import question
from tools.dispatch.shaping import Shaping
from tools.errors import ToolError
from tools.expressions.selection import SelectFault, compile_select
from tools.operation import (
    Call,
    CallOptions,
    ClientInfo,
    Failure,
    Json,
    Kind,
    Operation,
    Outcome,
    Progress,
    Runner,
    no_progress,
    reenters,
)
from tools.stores import CallRecord, Recorder
from tools.value_objects import value_object

MAX_TIMEOUT_S = 30.0
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
        catalog: Catalog,
        policy: Policy,
        confirmations: Confirmations,
        validators: Validators,
        runners: Mapping[Kind, Runner],
        shaping: Shaping,
        recorder: Recorder,
        suggestions: Suggestions,
        idempotency: Idempotency,
        pager: Pager,
        usage: SearchFeedback | None = None,
        credentials: Credentials | None = None,
        mcp_tool_timeout_s: float = MAX_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog, self._policy, self._confirmations, self._validators = catalog, policy, confirmations, validators
        self._runners, self._shaping, self._recorder, self._suggestions = runners, shaping, recorder, suggestions
        self._idempotency, self._pager, self._usage, self._clock = idempotency, pager, usage, clock
        self._credentials, self._mcp_tool_timeout_s = credentials, mcp_tool_timeout_s

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        progress: Progress = no_progress,
        trace_id: str | None = None,
    ) -> Outcome:
        """Answer a `tools/call`: `name` is one of the three tools or any operation that the tenant sees."""
        if not name.isascii():
            name = name.encode(errors="replace").decode()
        request = _Request(principal, client, progress, name[:MAX_ID_CHARS], trace_id or secrets.token_hex(16))
        if name in NAMES_ANOTHER and (asked := self._asked(principal, name, arguments)) is not None:
            (operation_id, given, options), notes = asked
            return (await self.enter(request, operation_id, given, options, math.inf)).noting(notes)
        return await self.enter(request, name, arguments, DIRECT, None)

    def _asked(self, principal: Principal, name: str, arguments: Mapping[str, Json]) -> tuple[Asked, tuple[str, ...]] | None:
        """Return which operation a permitted and valid call of `name` names, and what its sender should know; None for any other.

        Such a tool does nothing but come through the door once more, so the door opens for what it names (0018). A faulty call is
        refused at the door, by the tool's own name.
        """
        operation = self._catalog.get(principal.tenant_id, name)
        if operation is None or self._policy.missing_scopes(principal, operation):
            return None
        found = self._validators.admit(operation, arguments)
        if isinstance(found, Failure):
            return None
        return (NAMES_ANOTHER[name](arguments), ()) if found is None else (NAMES_ANOTHER[name](found.arguments), found.notes)

    async def enter(
        self, request: _Request, operation_id: str, arguments: Mapping[str, Json], options: CallOptions, deadline: float | None
    ) -> Outcome:
        """Pass the door once and leave one record, whatever happens. `deadline` None: the client's own call."""
        started = time.perf_counter()
        outcome = _CANCELLED
        try:
            admitted = self._admit(request, operation_id, arguments, options, deadline)
            outcome = admitted if isinstance(admitted, Outcome) else (await self._run(admitted)).noting(admitted.notes)
        except ToolError as error:
            outcome = _failed(error.failure)
        except Exception:
            outcome = broken(operation_id, request.trace_id)
        finally:
            self._record(request, operation_id, outcome, (time.perf_counter() - started) * 1000)
        return outcome if outcome.trace_id == request.trace_id else replace(outcome, trace_id=request.trace_id)

    def _admit(
        self, request: _Request, operation_id: str, arguments: Mapping[str, Json], options: CallOptions, deadline: float | None
    ) -> Call | Outcome:
        """Return the call that is permitted and valid, or why there is none."""
        principal = request.principal
        operation = self._catalog.get(principal.tenant_id, operation_id)
        if operation is None:
            return _failed(self._suggestions.unknown(principal.tenant_id, operation_id))
        if deadline is not None and reenters(operation):
            return _failed(nested(operation))
        failure = self._policy.refusal(principal, operation)
        if failure is not None:
            return _failed(failure)
        found = self._validators.admit(operation, arguments)
        if isinstance(found, Failure):
            return _failed(found)
        arguments, notes = (arguments, ()) if found is None else found
        if options.account is not None and not takes_account(operation):
            return _failed(no_account(operation, options.account))
        if options.select is not None:
            try:
                compile_select(options.select)
            except SelectFault as fault:
                return _failed(fault.failure)
        if options.timeout_s > MAX_TIMEOUT_S and (excess := self._too_long(operation, options)) is not None:
            return _failed(excess)
        limit = time.monotonic() + self._seconds(operation, options)
        deadline = limit if deadline is None else min(limit, deadline)
        return Call(
            principal=principal,
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
        )

    def _seconds(self, operation: Operation, options: CallOptions) -> float:
        if reenters(operation):
            return float(operation.binding.get("timeout_s", MAX_TIMEOUT_S))
        if operation.kind == "mcp" and options.timeout_s >= MAX_TIMEOUT_S:
            # Its runner ends what is silent for `timeout_s`; a tool that reports progress may go on.
            return max(self._mcp_tool_timeout_s, MAX_TIMEOUT_S)
        return max(0.1, min(options.timeout_s, MAX_TIMEOUT_S))

    def _too_long(self, operation: Operation, options: CallOptions) -> Failure | None:
        most_s = max(self._mcp_tool_timeout_s, MAX_TIMEOUT_S) if operation.kind == "mcp" else MAX_TIMEOUT_S
        return too_long(operation, options.timeout_s, most_s) if options.timeout_s > most_s else None

    async def _run(self, call: Call) -> Outcome:
        operation = call.operation
        runner = self._runners.get(operation.kind)
        if runner is None:
            return _failed(not_available(operation))
        if call.options.dry_run:
            return self._preview(runner, call)
        given_account = call.options.account
        if operation.access != "read" and takes_account(operation):
            call = self._with_account(call)
        if asks_first := self._policy.needs_confirmation(call.principal, operation):
            refusal = self._unconfirmed(call, given_account)
            if refusal is not None:
                return refusal
        if reenters(operation):
            return await run_guarded(runner, call)
        if asks_first and counts_once(token := call.options.confirm or ""):
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

    def _preview(self, runner: Runner, call: Call) -> Outcome:
        would_ask = self._policy.needs_confirmation(call.principal, call.operation)
        key = self._idempotency.key_of(call)
        if key is not None:
            call = replace(call, options=replace(call.options, idempotency_key=key))
        data: dict[str, Json] = {"request": runner.preview(call), "would_need_confirmation": would_ask}
        if key is not None:
            data["idempotency_key"] = key
        return Outcome("ok", data=data, note="dry run: nothing was sent")

    def _with_account(self, call: Call) -> Call:
        """Return a write with its account named and known: a yes, and a record, must not move to another one when names change."""
        operation, options = call.operation, call.options
        if self._credentials is None:
            return call
        readiness = self._credentials.readiness(call.principal, operation.connection or operation.provider, operation.connection_scopes)
        # Where calls without an account are allowed, one is used only if it is ready.
        is_used = operation.connection is not None or readiness.status == "ready"
        account = options.account or (readiness.default if is_used else None)
        if account is None:
            return call
        directions = replace(call.directions, account_id=readiness.id_of(account))
        return replace(call, options=replace(options, account=account), directions=directions)

    def _unconfirmed(self, call: Call, given_account: str | None) -> Outcome | None:
        """Return the question to the person, or None where the call carries their answer to exactly it.

        A batch asked about its whole plan, in which the account stands as it was given.
        """
        token, key = call.options.confirm, call.options.idempotency_key
        identity = call.directions.account_id or call.options.account
        accounts = (identity, given_account)
        if token and any(
            self._confirmations.accepts(token, call.principal, call.operation.id, account, call.arguments, idempotency_key=key)
            for account in accounts
        ):
            return None
        asked = self._confirmations.issue(
            call.principal, call.operation.id, identity, call.arguments, message=question(call), idempotency_key=key
        )
        note = "the confirm token is expired or belongs to another call; this is a new one" if token else HOW_TO_CONFIRM
        return Outcome("needs_confirmation", confirmation=asked, note=note)

    def _record(self, request: _Request, operation_id: str, outcome: Outcome, duration_ms: float) -> None:
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
            )
        )


_CANCELLED = Outcome("error", error=Failure("cancelled", "the call was cancelled", retryable=True))


def _failed(failure: Failure) -> Outcome:
    return Outcome("error", error=failure)
