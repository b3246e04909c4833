"""Worker processes of a test: started, killed, stopped for a while, and stopped in good order at the end.

They are forked from a process that has loaded the program: a start costs a tenth of a second, not two.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

from tests.flows.workflow_crashes.process import be_killed_at_points, work
from tests.flows.workflow_crashes.traced_run import Traces

#: for what takes a moment, on a machine that is busy
LONG_S = 300


@dataclass(frozen=True)
class Worker:
    """A process that runs `work`."""

    process: BaseProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut ends it."""
        self.process.kill()
        self.process.join(LONG_S)

    def stop(self) -> int | None:
        """End it in good order; return its exit code."""
        self.process.terminate()
        self.process.join(LONG_S)
        return self.process.exitcode


@contextmanager
def workers(url: str, traces: Traces, count: int, silence_s: float = 3.0) -> Iterator[list[Worker]]:
    """Start `count` workers and wait until they are ready; whatever is left of them at the end is killed."""
    started: list[Worker] = []
    try:
        begun = [_begun(url, traces, silence_s) for _ in range(count)]
        started += [worker for worker, _hears in begun]
        for _worker, hears in begun:
            _wait(hears)
        yield started
    finally:
        for worker in started:
            worker.kill()


def new_worker(url: str, traces: Traces, silence_s: float) -> Worker:
    """Start one worker and wait until it is ready; to be killed by whoever wants it."""
    worker, hears = _begun(url, traces, silence_s)
    _wait(hears)
    return worker


def _begun(url: str, traces: Traces, silence_s: float) -> "tuple[Worker, Connection[bool, bool]]":
    hears, says = _context().Pipe(duplex=False)
    process = _context().Process(target=work, args=(url, traces.path, silence_s, says))
    process.start()
    return Worker(process), hears


def _wait(hears: "Connection[bool, bool]") -> None:
    assert hears.poll(LONG_S)
    assert hears.recv()


def killed_at_points(url: str, traces: Traces, most: int, processes: int = 2) -> tuple[int, int]:
    """Kill runs at up to `most` points; return how many points there are, and at how many a process died."""
    hears, says = _context().Pipe(duplex=False)
    process = _context().Process(target=be_killed_at_points, args=(url, traces.path, most, processes, says))
    process.start()
    assert hears.poll(LONG_S * 4)
    found: tuple[int, int] = hears.recv()
    process.join(LONG_S)
    return found


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.flows.workflow_crashes.process"])
    return context
