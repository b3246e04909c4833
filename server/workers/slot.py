"""One place among the workers: who has it, who comes next, and how long to wait before somebody is tried again."""

import logging
import signal
import time
from collections.abc import Callable

from server.workers.worker_process import Work, WorkerProcess

#: before the first, second, ... start anew of a worker that keeps dying
PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: one that lived for so long died of something else than its start
LIVED_S = 60.0

log = logging.getLogger("ascend")


class Slot:
    """`number` from 0; people and log lines count from 1."""

    def __init__(self, number: int, work: Callable[[], Work]) -> None:
        self.number = number
        self._work = work
        self.current: WorkerProcess | None = None
        #: starts beside the current one, whose place it takes when it is ready
        self.next: WorkerProcess | None = None
        self._leaving: list[WorkerProcess] = []
        #: deaths without a long life between them
        self.deaths = 0
        #: when a start is due; None: none is
        self.due_s: float | None = time.monotonic()
        self._is_stopping = False
        #: who was to come next did not get ready
        self.has_kept = False
        #: why the last one did not get ready
        self.reason = ""

    @property
    def processes(self) -> list[WorkerProcess]:
        """Those that run."""
        known = [self.current, self.next, *self._leaving]
        return [each for each in known if each is not None and each.exit_code is None]

    @property
    def is_ready(self) -> bool:
        return self.current is not None and self.current.is_ready

    @property
    def is_rolling(self) -> bool:
        return self.next is not None or bool(self._leaving)

    def start_if_due(self) -> None:
        if self.due_s is not None and self.due_s <= time.monotonic():
            self.due_s = None
            self.current = self._forked()

    def roll(self) -> None:
        """Have another process take the place; this one answers until that is ready."""
        self.has_kept = False
        if self.current is None or not self.current.is_ready:
            self._give_up(self.current)
            self.current, self.deaths = None, 0
            self.due_s = time.monotonic()
        else:
            self.next = self._forked()

    def give_up_next(self) -> None:
        """Have nobody come next; who answers stays."""
        self._give_up(self.next)
        self.next = None

    def look(self) -> bool:
        """Take in what happened; return whether the place is newly without anybody who answers, or will."""
        was_taken = self._is_taken
        for each in self.processes:
            each.look()
        for left in [each for each in self._leaving if each.exit_code is not None]:
            self._leaving.remove(left)
        if self.next is not None and self.next.exit_code is not None:
            # What it was to replace stays as it is.
            self._say_died(self.next)
            self.next, self.has_kept = None, True
        elif self.next is not None and self.next.is_ready:
            if self.current is not None and self.current.exit_code is None:
                self.current.send(signal.SIGTERM)
                self._leaving.append(self.current)
            self.current, self.next, self.due_s = self.next, None, None
        if self.current is not None and self.current.exit_code is not None:
            self._died(self.current)
        return was_taken and not self._is_taken

    def stop(self, number: signal.Signals) -> None:
        self.due_s, self._is_stopping = None, True
        for each in self.processes:
            each.send(number)

    @property
    def _is_taken(self) -> bool:
        # Whoever starts may listen on the socket already.
        return self.current is not None or self.next is not None

    def _give_up(self, process: WorkerProcess | None) -> None:
        """End one that starts: what it starts with is old."""
        if process is not None:
            process.send(signal.SIGKILL)
            self._leaving.append(process)

    def _forked(self) -> WorkerProcess:
        forked = WorkerProcess.forked(self.number, self._work())
        log.info("worker_started", extra={"facts": {"worker": self.number + 1, "process": forked.process_id}})
        return forked

    def _died(self, process: WorkerProcess) -> None:
        self.current = None
        if self._is_stopping:
            log.info("worker_ended", extra={"facts": {"worker": self.number + 1, "process": process.process_id, "end": process.end}})
            return
        self._say_died(process)
        lived_s = time.monotonic() - process.ready_s if process.ready_s is not None else 0.0
        self.deaths = 1 if lived_s > LIVED_S else self.deaths + 1
        self.due_s = time.monotonic() + PAUSES_S[min(self.deaths, len(PAUSES_S)) - 1]

    def _say_died(self, process: WorkerProcess) -> None:
        self.reason = process.lifeline.reason or f"worker {self.number + 1} ended ({process.end}) before it was ready; its log says why"
        facts = {"worker": self.number + 1, "process": process.process_id, "end": process.end, "was_ready": process.ready_s is not None}
        log.error("worker_died", extra={"facts": facts})
