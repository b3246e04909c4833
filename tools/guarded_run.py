"""Running an operation so that whatever is raised on the way becomes an outcome."""

import logging

from oauth.connections.credentials import ConnectionNeeded, UnknownAccount
from tools.call_failures import unknown_account
from tools.errors import ToolError
from tools.operation import Call, ConnectionRequest, Failure, Outcome, Runner

_log = logging.getLogger(__name__)


async def run_guarded(runner: Runner, call: Call) -> Outcome:
    """Run `call` and return what came of it. Unknown failures keep their words for the log."""
    try:
        return await runner.run(call)
    except ToolError as error:
        return Outcome("error", error=error.failure)
    except ConnectionNeeded as error:
        needed = ConnectionRequest(error.readiness.provider, error.readiness.status, error.url, error.message)
        return Outcome("needs_connection", connection=needed)
    except UnknownAccount as error:
        return Outcome("error", error=unknown_account(call, error))
    except Exception:
        return broken(call.operation.id, call.trace_id)


def broken(operation_id: str, trace_id: str) -> Outcome:
    """Log the exception that is being handled, and return what the caller may know of it."""
    _log.exception("operation_failed operation=%s trace_id=%s", operation_id, trace_id)
    message = f"running '{operation_id}' failed inside the gateway; the operator finds it under trace {trace_id}"
    return Outcome("error", error=Failure("internal_error", message))
