"""A real HTTP server on a free loopback port, in a thread of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.waiting import until_here

START_TIMEOUT_S = 60


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[str]:
    """Serve `app` on `port` while entered, and yield its origin."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_here(lambda: server.started or not thread.is_alive(), START_TIMEOUT_S)
    assert server.started, "the server ended before it was ready"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        assert not thread.is_alive(), "the server did not stop in time"
