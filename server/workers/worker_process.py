"""One forked process, as the supervisor sees it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from server.workers.lifeline import Lifeline

#: what a worker is; returns its exit code
Work = Callable[[int, Lifeline], int]
#: Held back while the process becomes two, so that neither is told what is meant for the other.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(slots=True, eq=False)
class WorkerProcess:
    """`exit_code` None: it runs; negative: the signal that ended it."""

    number: int
    process_id: int
    lifeline: Lifeline
    began_s: float
    #: it said so; None: not yet
    ready_s: float | None = None
    exit_code: int | None = None

    @staticmethod
    def forked(number: int, work: Work) -> "WorkerProcess":
        """Begin a process that does `work` and nothing else of this one."""
        lifeline = Lifeline()
        sys.stdout.flush()
        sys.stderr.flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process_id = os.fork()
        if process_id == 0:
            _be_a_worker(number, work, lifeline)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        lifeline.workers.close()
        return WorkerProcess(number, process_id, lifeline, time.monotonic())

    @property
    def is_ready(self) -> bool:
        return self.ready_s is not None and self.exit_code is None

    def look(self) -> None:
        """Take in what it said, and whether it has ended."""
        if self.exit_code is None:
            ended, status = os.waitpid(self.process_id, os.WNOHANG)
            self.lifeline.hear()  # After the look at its end: its last words are there by then.
            if self.ready_s is None and self.lifeline.is_ready:
                self.ready_s = time.monotonic()
            if ended:
                self.exit_code = os.waitstatus_to_exitcode(status)
                self.lifeline.close()

    def send(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            os.kill(self.process_id, number)

    @property
    def end(self) -> str:
        """Say in a word how it ended."""
        code = self.exit_code or 0
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


def _be_a_worker(number: int, work: Work, lifeline: Lifeline) -> None:
    """Never returns: the stack below is the supervisor's."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        # The terminal tells all its processes; the supervisor alone says what follows for workers.
        for number_of_signal, handler in zip(_SIGNALS, (signal.SIG_DFL, signal.SIG_IGN, signal.SIG_IGN, signal.SIG_DFL), strict=True):
            signal.signal(number_of_signal, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        lifeline.ours.close()
        code = work(number, lifeline)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
