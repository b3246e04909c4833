"""What one worker does, from the fork to its end."""

import logging
import os
import random
import signal
import socket
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec

import anyio

from server.app import open_gateway
from server.config.errors import SettingsError
from server.config.settings import Settings
from server.http.process_limits import settle
from server.http.server import HttpServer
from server.observability.log_lines import configure_logging
from server.observability.trace_export import start_trace_export
from server.workers.lifeline import Lifeline
from server.workers.shared_metrics import Workers
from tools.errors import ToolError

log = logging.getLogger("ascend")


def work(settings: Settings, number: int, count: int, listener: socket.socket, lifeline: Lifeline) -> int:
    """Answer requests that come on `listener` until SIGTERM, or until the supervisor is gone; return the exit code."""
    configure_logging(settings.observability.log_format, always=(("worker", str(number + 1)),))
    random.seed()  # Its state was copied: waits that are to differ would not.
    try:
        anyio.run(
            partial(_answer, settings, Workers(settings.data_dir, number, count), listener, lifeline),
            backend_options={"use_uvloop": find_spec("uvloop") is not None},
        )
    except Exception as error:
        cause = _cause(error)
        if not isinstance(cause, SettingsError | ToolError):
            log.error("worker_failed", exc_info=error)
        lifeline.say_failed(str(cause) if isinstance(cause, SettingsError | ToolError) else f"{type(cause).__name__}: {cause}")
        return 1
    return 0


async def _answer(settings: Settings, workers: Workers, listener: socket.socket, lifeline: Lifeline) -> None:
    async with AsyncExitStack() as stack:
        stack.callback(start_trace_export(os.environ))
        gateway = await stack.enter_async_context(open_gateway(settings, siblings=workers))
        await stack.enter_async_context(workers.telling(gateway.operations.telemetry.registry))
        settle()
        server = HttpServer(gateway.app, authority=settings.host, signals=(signal.SIGTERM,))
        async with anyio.create_task_group() as running:
            running.start_soon(_say_ready, server, lifeline)
            running.start_soon(_end_with_supervisor, server, lifeline)
            await server.serve(sockets=[listener])
            running.cancel_scope.cancel()


async def _say_ready(server: HttpServer, lifeline: Lifeline) -> None:
    await server.until_ready()
    lifeline.say_ready()


async def _end_with_supervisor(server: HttpServer, lifeline: Lifeline) -> None:
    """Nobody would start it anew or tell it to end, and the port would stay taken."""
    while not lifeline.is_cut():
        await anyio.wait_readable(lifeline.workers)
    log.error("supervisor_gone")
    server.stop()


def _cause(error: BaseException) -> BaseException:
    """Return what matters of errors that task groups bundled."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
