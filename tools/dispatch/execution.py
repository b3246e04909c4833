"""Running an operation within its time, and so that whatever is raised on the way becomes an outcome."""

import logging
import sys
from collections.abc import Awaitable
from functools import partial

import anyio

from oauth.connections.errors import ConnectionNeeded, UnknownConnection
from tools.call_failures import timed_out, unknown_connection
from tools.dispatch.pages.pager import Pager
from tools.effects import told
from tools.errors import StoreAway, ToolError
from tools.operation import Call, ConnectionRequest, Failure, Outcome, Runner

_log = logging.getLogger(__name__)


def run_in_time(runner: Runner, pager: Pager, call: Call) -> Awaitable[Outcome]:
    """Run `call` page by page within its deadline. Whoever is cancelled here is cancelled upstream, too."""
    is_paged = call.operation.paging is not None or call.options.page is not None
    running = pager.run(call, partial(run_guarded, runner)) if is_paged else run_guarded(runner, call)
    # A scope with a deadline costs more than the whole door.
    return running if runner.keeps_time else _in_time(running, call)


async def _in_time(running: Awaitable[Outcome], call: Call) -> Outcome:
    # An anyio scope and not asyncio's: it lets a transaction that has begun end (server.storage.database).
    with anyio.CancelScope(deadline=call.deadline):
        return await running
    return Outcome("error", error=timed_out(call))


async def run_guarded(runner: Runner, call: Call) -> Outcome:
    """Run `call` and return what came of it. Unknown failures keep their words for the log."""
    try:
        return await runner.run(call)
    except ToolError as error:
        return Outcome("error", error=error.failure)
    except ConnectionNeeded as error:
        needed = ConnectionRequest(error.readiness.provider, error.readiness.status, error.url, error.message)
        return Outcome("needs_connection", connection=needed)
    except UnknownConnection as error:
        return Outcome("error", error=unknown_connection(call, error))
    except Exception:
        # Where it went wrong is not known: a write may have been sent before.
        return told(call.operation, broken(call.operation.id, call.trace_id))


def store_away(operation_id: str, trace_id: str) -> Failure:
    """Return what a caller is told while the store is away: its one clear answer, with when to come back."""
    _log.warning("store_failed operation=%s trace_id=%s", operation_id, trace_id)
    hint = "try again in a moment; a write that went out under its key is not sent again"
    return Failure("store_unavailable", "the gateway's store does not answer", retryable=True, retry_after_s=1.0, hint=hint)


def broken(operation_id: str, trace_id: str) -> Outcome:
    """Log the exception that is being handled, and return what the caller may know of it."""
    if _is_store_away(sys.exception()):
        return Outcome("error", error=store_away(operation_id, trace_id))
    _log.exception("operation_failed operation=%s trace_id=%s", operation_id, trace_id)
    message = f"running '{operation_id}' failed inside the gateway; the operator finds it under trace {trace_id}"
    return Outcome("error", error=Failure("internal_error", message))


def _is_store_away(error: BaseException | None) -> bool:
    """Say whether nothing else went wrong; what runs side by side, as a plan does, fails in groups."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(StoreAway)[1] is None
    return isinstance(error, StoreAway)
