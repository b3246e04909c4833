"""Run operations of other MCP servers: a call becomes their `tools/call`, its result an outcome."""

import asyncio
import time
from dataclasses import replace

import anyio
import httpx2
import jsonschema_rs
import mcp_types
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from oauth.connections.credentials import Credential, Credentials
from tools.call_failures import unauthorized
from tools.catalog.lazy_json import plain
from tools.catalog.quarantine import failure_of as failure_of_held
from tools.effects import told
from tools.errors import UpstreamFailed
from tools.json_schema.schema_cost import is_bearable
from tools.operation import Call, Download, Failure, Json, Operation, Outcome
from tools.sources.credential_redaction import NOTE
from tools.sources.mcp.content import Keep, ReadHere, blocks_of, data_of, words_of
from tools.sources.mcp.exchange import EXCHANGE, UpstreamExchange
from tools.sources.mcp.failures import bounded, call_failure, forgotten
from tools.sources.mcp.loose_results import NOTE as LOOSE
from tools.sources.mcp.loose_results import loose_result
from tools.sources.mcp.messages.large_messages import ASIDE, Aside
from tools.sources.mcp.review import risks_of, summary_of
from tools.sources.mcp.session import McpSession
from tools.sources.mcp.session_pool import McpSessions, Upstream
from tools.stores import RESULT_TTL_S, ResultStore

CONNECT_TIMEOUT_S = 10.0
RELIST_TIMEOUT_S = 5.0
MAX_VALIDATORS = 500
#: an engine without backtracking: a pattern of the upstream's must not cost more time than its text is long
_PATTERNS = jsonschema_rs.RegexOptions()


class McpRunner:
    """Runs operations of kind `mcp` over pooled sessions.

    An operation is pinned to the definition that was imported: where the upstream now says something else of the tool, the call
    is refused until an operator accepts the new definition, whether or not the gateway's own watch has seen it yet.
    """

    keeps_time = False

    def __init__(self, sessions: McpSessions, credentials: Credentials, results: ResultStore | None = None) -> None:
        self._sessions, self._credentials, self._results = sessions, credentials, results
        #: pin -> validator of the output schema, None where it is no schema
        self._validators: dict[str, jsonschema_rs.Validator | None] = {}

    async def run(self, call: Call) -> Outcome:
        """Call the upstream's tool and return what came of it. Raises ConnectionNeeded, UnknownConnection, and Busy: nothing was sent."""
        operation = call.operation
        credential = None
        if operation.connection is not None:
            credential = await self._credentials.for_call(
                call.principal, operation.connection, operation.connection_scopes, call.directions.account_id or call.options.account
            )
        try:
            async with self._sessions.place(call):
                session = await self._session(call, credential)
                outcome = await self._call(call, session)
                if outcome is None:
                    # The upstream has forgotten the session (404), so it did not run the call: once more, in a new one.
                    self._sessions.forget(session)
                    outcome = await self._call(call, await self._session(call, credential))
            outcome = outcome or Outcome("error", error=forgotten(operation.provider))
        except UpstreamFailed as error:
            outcome = Outcome("error", error=error.failure)
        if credential is not None and outcome.error is not None and outcome.error.code == "upstream_unauthorized":
            return replace(outcome, error=replace(outcome.error, hint=unauthorized(operation, credential)))
        return told(operation, outcome)

    async def preview(self, call: Call) -> Json:
        """Return the message that `run` would send."""
        shown: dict[str, Json] = {
            "url": call.operation.binding["url"],
            "method": "tools/call",
            "params": {"name": call.operation.binding["tool"], "arguments": dict(call.arguments)},
        }
        if call.operation.connection is not None:
            shown["headers"] = {"Authorization": "***"}
            shown["credential"] = f"of the connected account of {call.operation.connection}"
        return shown

    async def _session(self, call: Call, credential: Credential | None) -> McpSession:
        operation = call.operation
        upstream = Upstream(operation.provider, operation.binding["url"], operation.tenant_id)
        left_s = call.deadline - asyncio.get_running_loop().time()

        async def rejected(refused: Credential) -> Credential | None:
            return await self._credentials.rejected(call.principal, operation.connection or operation.provider, refused)

        return await self._sessions.get(call.principal, upstream, credential, rejected, max(0.05, min(CONNECT_TIMEOUT_S, left_s)))

    async def _call(self, call: Call, session: McpSession) -> Outcome | None:
        """Return the outcome, or None where the upstream no longer knows the session."""
        operation = call.operation
        if quarantined(operation, session) is not None:
            # The operation may be newer than this session's listing: somebody accepted it a moment ago.
            with anyio.move_on_after(min(RELIST_TIMEOUT_S, call.deadline - asyncio.get_running_loop().time())):
                await session.relisted()
            refusal = quarantined(operation, session)
            if refusal is not None:
                return Outcome("error", error=refusal)
        exchange = UpstreamExchange()
        notes: list[str] = []
        keep = self._keep(call)
        aside = Aside(call.principal.person, call.deadline, keeps_files=keep is not None)
        mark, aside_mark = EXCHANGE.set(exchange), ASIDE.set(aside)
        began = time.monotonic()
        try:
            with session.in_use():
                result = await self._answer(call, session)
        except (MCPError, ValidationError, httpx2.TransportError, OSError, RuntimeError) as error:
            if exchange.is_session_lost:
                return None
            if exchange.fault is not None or exchange.status is None or (exchange.status == 400 and exchange.had_session):
                # Of a server that lost its sessions many say 400; the next call asks in a new one.
                self._sessions.forget(session)
            loose = loose_result(exchange.last) if isinstance(error, ValidationError) and not exchange.is_lightened else None
            if loose is None:
                failure = call_failure(operation.provider, error, exchange)
                return Outcome("error", error=failure, note=NOTE if exchange.is_redacted else None)
            result = loose
            notes.append(LOOSE)
        finally:
            call.upstream.ms += (time.monotonic() - began) * 1_000
            call.upstream.status = exchange.status
            EXCHANGE.reset(mark)
            ASIDE.reset(aside_mark)
        if result.is_error:
            return replace(_tool_failed(operation, result, aside.error_body), note=NOTE if exchange.is_redacted else None)
        redaction = session.redaction()
        if aside.result is not None:
            data = await aside.result.data(redaction.body_in_turns, keep)
        else:
            data = await data_of(ReadHere(call), blocks_of(result), result.structured_content, redaction.body_in_turns, keep)
        outcome = Outcome("ok", data=data)
        notes += [NOTE] if exchange.is_redacted or redaction.is_used else []
        if aside.result is None and not self._fits(operation, result):
            notes.append("the answer does not fit the output schema that its server declares")
        return replace(outcome, note="; ".join(notes)) if notes else outcome

    def _keep(self, call: Call) -> Keep | None:
        results = self._results
        if results is None:
            return None

        async def keep(file: Download) -> str:
            return await results.put(call.principal, file.body, file.media_type, RESULT_TTL_S)

        return keep

    async def _answer(self, call: Call, session: McpSession) -> mcp_types.CallToolResult:
        """Return the result. Raises TimeoutError where the tool neither answers nor reports progress for as long as the call may take.

        Whoever reports progress is at work (MCP 2025-11-25, lifecycle, timeouts): it is waited for until the deadline.
        """
        loop = asyncio.get_running_loop()
        left_s = max(0.05, call.deadline - loop.time())
        silence_s = min(max(0.05, call.options.timeout_s), left_s)
        with anyio.move_on_after(silence_s) as patience:

            async def report(progress: float, total: float | None, message: str | None) -> None:
                patience.deadline = loop.time() + silence_s
                await call.progress(progress, total, message)

            return await session.client.call_tool(
                call.operation.binding["tool"], dict(call.arguments), read_timeout_seconds=left_s, progress_callback=report
            )
        raise TimeoutError

    def _fits(self, operation: Operation, result: mcp_types.CallToolResult) -> bool:
        """Say whether a result is what its tool declares (a client SHOULD look: MCP 2026-07-28, output schema)."""
        if operation.output_schema is None:
            return True
        pin = operation.binding["pin"]
        if pin not in self._validators:
            if len(self._validators) >= MAX_VALIDATORS:
                self._validators.clear()
            try:
                schema = plain(operation.output_schema)
                # One that never ends is taken for one that is broken: nobody waits for it.
                self._validators[pin] = (
                    jsonschema_rs.validator_for(schema, offline=True, pattern_options=_PATTERNS) if is_bearable(schema) else None
                )
            except (ValueError, jsonschema_rs.ReferencingError):
                self._validators[pin] = None
        validator = self._validators[pin]
        return validator is None or (result.structured_content is not None and validator.is_valid(result.structured_content))


def quarantined(operation: Operation, session: McpSession) -> Failure | None:
    """Return why the call may not go out: in this session the tool is gone, or is no longer what was accepted."""
    current = session.definitions.get(operation.binding["tool"])
    if current is None:
        return failure_of_held(operation, "gone")
    if current.pin == operation.binding["pin"]:
        return None
    accepted = operation.binding["definition"]
    return failure_of_held(operation, "changed", summary_of(accepted, current), risks_of(accepted, current))


def _tool_failed(operation: Operation, result: mcp_types.CallToolResult, heavy_body: Json) -> Outcome:
    """Return a tool's own no; it keeps the upstream's words. `heavy_body`: they were too heavy to be in `result`."""
    content = blocks_of(result)
    body = heavy_body or bounded(result.structured_content if result.structured_content is not None else content)
    message = f"{operation.provider} answered: {words_of(content)[:500] or 'the tool failed'}"
    failure = Failure("upstream_tool_error", message, upstream={"status": None, "body": body}, declined=True)
    return Outcome("error", error=failure)
