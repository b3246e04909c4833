"""Why a server, or one call of it, gave no answer: told by where the error came from, not by its number."""

from dataclasses import replace

import httpx2
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, REQUEST_TIMEOUT
from pydantic import ValidationError

from tools.effects import was_sent
from tools.errors import ToolError, UpstreamFailed
from tools.json_text import encode
from tools.operation import Failure, Json
from tools.sources.http.outcome import CODE_BY_STATUS, MAX_ERROR_BODY_CHARS, error_body, reason_of
from tools.sources.mcp.exchange import UpstreamExchange

#: how the SDK begins to say that an answer was not MCP's
NOT_MCP = ("Unexpected content type", "Failed to parse", "server answered a request with 202")
REDIRECTED = "Redirect to "
#: JSON-RPC 2.0 §5.1: the request was not understood, so nothing ran
_NOT_RUN = frozenset({PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS})
#: what the SDK says when an upstream asks us in the middle of a call
_NOT_ASKED = frozenset({"Elicitation not supported", "Sampling not supported", "List roots not supported"})
_BROKEN_OFF = "broke off the connection before its answer was complete"


class MessageTooLarge(httpx2.ReadError):
    """The upstream sent more than we hold at once."""


def call_failure(provider: str, error: Exception, exchange: UpstreamExchange) -> Failure:
    """Return why a call ended in `error`, by what went over the wire."""
    if exchange.fault is not None:
        return replace(failure_of(provider, exchange.fault, was_refused=False), sent=exchange.sent)
    if exchange.status in (401, 403):
        return _unauthorized(provider)
    if isinstance(error, MCPError):
        return _told(provider, error, exchange)
    if isinstance(error, ValidationError):
        return Failure("upstream_malformed", f"the MCP server of '{provider}' answered with a result that is not MCP's")
    return replace(failure_of(provider, error, was_refused=False), sent=exchange.sent)


def failure_of(provider: str, error: BaseException | None, *, was_refused: bool) -> Failure:
    """Return why a server could not be talked to, in one sentence."""
    cause = innermost(error)
    if was_refused:
        return _unauthorized(provider)
    if isinstance(cause, UpstreamFailed):
        return cause.failure
    if isinstance(cause, MessageTooLarge):
        hint = "ask for less: a filter, a page, a smaller range"
        return Failure("upstream_too_large", f"the MCP server of '{provider}' sent more than this gateway holds at once", hint=hint)
    if isinstance(cause, httpx2.TransportError):
        return _unreached(provider, cause)
    if isinstance(cause, TimeoutError):
        return Failure("upstream_timeout", f"the MCP server of '{provider}' did not answer in time", retryable=True)
    if isinstance(cause, MCPError) and not cause.message.startswith(NOT_MCP):
        return Failure("upstream_error", f"the MCP server of '{provider}' answered: {first_line(cause.message)} ({cause.code})")
    where = f" ({_place(cause)})" if isinstance(cause, ValidationError) else ""
    return Failure("upstream_malformed", f"the MCP server of '{provider}' does not speak MCP as we know it{where}")


def was_reached(fault: Exception) -> bool:
    """Say whether a request that ended in `fault` may have gone out."""
    cause = fault.__cause__
    return was_sent(cause.failure) if isinstance(cause, ToolError) else not isinstance(fault, httpx2.ConnectError)


def forgotten(provider: str) -> Failure:
    """Return that a server knows none of the sessions that it gives out."""
    upstream: dict[str, Json] = {"status": 404, "body": None}
    return Failure("upstream_error", f"the MCP server of '{provider}' keeps losing its sessions", retryable=True, upstream=upstream)


def bounded(body: Json) -> Json:
    """Return an error's body as it is, or the beginning of it as text with its length: nothing is dropped unsaid."""
    text = encode(body).decode()
    return body if len(text) <= MAX_ERROR_BODY_CHARS else f"{text[:MAX_ERROR_BODY_CHARS]}… ({len(text)} characters)"


def _told(provider: str, error: MCPError, exchange: UpstreamExchange) -> Failure:
    """Return what an error says that the server answered with, or that the SDK made in place of an answer."""
    if error.message in _NOT_ASKED:
        return _asks(provider)
    if exchange.said(error):
        return _own_words(provider, error, exchange)
    if error.message.startswith(REDIRECTED):
        return Failure("upstream_error", f"the MCP server of '{provider}' answered: {first_line(error.message)}")
    if exchange.status is not None and exchange.status >= 400:
        body = error_body("", exchange.last) or None
        reason = reason_of(body)
        message = f"the MCP server of '{provider}' answered {exchange.status}{f': {reason}' if reason else ''}"
        return _by_http(provider, exchange, message, body)
    if error.code == REQUEST_TIMEOUT:
        message = f"the MCP server of '{provider}' gave no answer in time"
        return Failure("upstream_timeout", message, retryable=True, sent=exchange.sent)
    if error.message.startswith(NOT_MCP):
        return Failure("upstream_malformed", f"the MCP server of '{provider}' does not speak MCP as we know it")
    if not exchange.sent:
        return Failure("upstream_unreachable", f"the session with the MCP server of '{provider}' ended", retryable=True, sent=False)
    return Failure("upstream_reset", f"the MCP server of '{provider}' {_BROKEN_OFF}", retryable=True)


def _own_words(provider: str, error: MCPError, exchange: UpstreamExchange) -> Failure:
    body = bounded({"code": error.code, "message": error.message, "data": error.data})
    if exchange.status is not None and exchange.status >= 400:
        return _by_http(provider, exchange, f"the MCP server of '{provider}' answered {exchange.status}: {error.message[:500]}", body)
    return Failure(
        code="upstream_error",
        message=f"the MCP server of '{provider}' answered: {error.message[:500]}",
        upstream={"status": None, "body": body},
        declined=error.code in _NOT_RUN,
    )


def _by_http(provider: str, exchange: UpstreamExchange, message: str, body: Json) -> Failure:
    status = exchange.status or 0
    return Failure(
        code=CODE_BY_STATUS.get(status, "upstream_error" if status >= 500 else "upstream_rejected"),
        message=message,
        retryable=status in (429, 502, 503, 504),
        retry_after_s=exchange.retry_after_s,
        upstream={"status": status, "body": body},
    )


def _unauthorized(provider: str) -> Failure:
    hint = f"connect an account of {provider} that may use this server"
    return Failure("upstream_unauthorized", f"the MCP server of '{provider}' refuses the credential", hint=hint, declined=True)


def _unreached(provider: str, fault: httpx2.TransportError) -> Failure:
    cause = fault.__cause__
    if isinstance(cause, ToolError) and cause.failure.code != "egress_refused":
        code, sent = cause.failure.code, cause.failure.sent
    else:
        sent = was_reached(fault)
        code = (
            "upstream_malformed" if isinstance(fault, httpx2.RemoteProtocolError) else "upstream_reset" if sent else "upstream_unreachable"
        )
    if code == "upstream_timeout":
        return Failure(code, f"the MCP server of '{provider}' did not answer in time", retryable=True, sent=sent)
    what = f"could not be reached: {fault}" if code == "upstream_unreachable" else f"gave no whole answer: {fault}"
    return Failure(code, f"the MCP server of '{provider}' {what}", retryable=code != "upstream_malformed", sent=sent)


def _asks(provider: str) -> Failure:
    message = f"the MCP server of '{provider}' wants to ask something in the middle of the call, which this gateway does not pass on"
    return Failure("upstream_asks", message, hint="give all that it may need as arguments, or use its own client for this")


def _place(error: ValidationError) -> str:
    """Return where a message breaks the protocol, in the protocol's words: `tools.3.inputSchema`; nothing of the upstream's."""
    steps = error.errors(include_url=False, include_input=False)[0]["loc"][:3]
    return ".".join(str(step) for step in steps if isinstance(step, int) or step in _PLACES) or error.title


_PLACES = frozenset(
    {"tools", "name", "inputSchema", "outputSchema", "annotations", "content", "structuredContent", "nextCursor", "description"}
)


def first_line(text: str) -> str:
    return text.partition("\n")[0][:300]


def innermost(error: BaseException | None) -> BaseException | None:
    """Return the one exception inside groups of one."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error
