"""The process above the workers: it opens no store and answers nobody, so that it lives when they do not."""

import logging
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from server.config.errors import SettingsError
from server.http.server import DRAIN_S
from server.workers.inherited_sockets import WorkerSockets
from server.workers.lifeline import Lifeline
from server.workers.slot import Slot
from server.workers.worker_process import Work

#: how long workers may take to end: requests under way, then calls that became tasks, then what is left to write
MOST_DRAIN_S = DRAIN_S + 25.0
_LOOK_S = 60.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("ascend")


class Supervisor:
    """Keeps `count` workers alive until it is told to end.

    SIGTERM and SIGINT: all end what is under way. Once more: at once. SIGHUP: one after the other is replaced by a process that
    `renew` says the work of; SettingsError from it keeps the old ones. `on_ready` is called once, when all answer for the first time.
    """

    def __init__(self, sockets: WorkerSockets, count: int, renew: Callable[[], Work], on_ready: Callable[[], None]) -> None:
        self._sockets, self._renew, self._on_ready = sockets, renew, on_ready
        self._work = self._work_before = renew()
        self._slots = [Slot(number, lambda: self._in_child) for number in range(count)]
        self._signals: deque[int] = deque()
        #: numbers of the slots that are still to be replaced
        self._to_roll: deque[int] = deque()
        self._was_ready = False
        self._stop_by_s: float | None = None

    def run(self) -> None:
        """Return when all have ended as they were told to. Raises SettingsError where none of them could start."""
        with self._woken_by_signals() as woken:
            while self._stop_by_s is None or any(slot.processes for slot in self._slots):
                for slot in self._slots:
                    slot.start_if_due()
                self._wait(woken)
                self._take_signals()
                self._look(woken)
            log.info("workers_ended")

    def _look(self, woken: socket.socket) -> None:
        for slot in self._slots:
            if slot.look() and self._stop_by_s is None and any(other.is_ready for other in self._slots):
                self._sockets.silence(slot.number)
        if self._stop_by_s is not None:
            if time.monotonic() > self._stop_by_s:
                log.error("workers_killed", extra={"facts": {"after_s": MOST_DRAIN_S}})
                self._stop(signal.SIGKILL)
            return
        if not self._was_ready:
            self._first_start(woken)
        for slot in self._slots:
            if slot.has_kept:
                slot.has_kept = False
                self._keep(slot.reason)
        if self._to_roll and not any(slot.is_rolling for slot in self._slots):
            number = self._to_roll.popleft()
            log.info("worker_replaced", extra={"facts": {"worker": number + 1, "left": len(self._to_roll)}})
            self._slots[number].roll()

    def _first_start(self, woken: socket.socket) -> None:
        if all(slot.is_ready for slot in self._slots):
            self._was_ready = True
            self._on_ready()
        elif all(slot.deaths and not slot.is_ready for slot in self._slots):
            reasons = dict.fromkeys(slot.reason for slot in self._slots)
            self._stop(signal.SIGKILL)
            while any(slot.processes for slot in self._slots):
                self._wait(woken)
                for slot in self._slots:
                    slot.look()
            # All say the same of the same store, as a rule.
            raise SettingsError("\n".join(reasons))

    def _take_signals(self) -> None:
        while self._signals:
            number = self._signals.popleft()
            if number in _STOPPING:
                is_first = self._stop_by_s is None
                self._stop_by_s = self._stop_by_s or time.monotonic() + MOST_DRAIN_S
                log.info("workers_ending", extra={"facts": {"signal": signal.Signals(number).name, "at_once": not is_first}})
                self._stop(signal.SIGTERM if is_first else signal.SIGKILL)
            elif number == signal.SIGHUP and self._stop_by_s is None:
                self._begin_to_roll()

    def _begin_to_roll(self) -> None:
        try:
            work = self._renew()
        except SettingsError as error:
            _say_kept(str(error))
            return
        if not self._to_roll and not any(slot.is_rolling for slot in self._slots):
            # During a roll nobody knows yet whether what it rolls to can start.
            self._work_before = self._work
        self._work = work
        for slot in self._slots:
            slot.give_up_next()
        self._to_roll = deque(range(len(self._slots)))

    def _keep(self, reason: str) -> None:
        """Go on with the workers of before: what was to replace them does not start."""
        _say_kept(reason)
        self._work = self._work_before
        self._to_roll.clear()

    def _stop(self, number: signal.Signals) -> None:
        for slot in self._slots:
            slot.stop(number)

    def _in_child(self, number: int, lifeline: Lifeline) -> int:
        """Be the worker: with its own socket alone, and without the lines to the others, whose ends they would not see."""
        self._sockets.keep_only(number)
        for slot in self._slots:
            for process in slot.processes:
                process.lifeline.close()
        return self._work(number, lifeline)

    def _wait(self, woken: socket.socket) -> None:
        """Wait for a signal (a death is one), for a word of a worker that starts, or until something is due."""
        due = [each for each in (self._stop_by_s, *(slot.due_s for slot in self._slots)) if each is not None]
        wait_s = min([_LOOK_S, *(max(0.0, each - time.monotonic()) for each in due)])
        starting = [process.lifeline.ours for slot in self._slots for process in slot.processes if process.ready_s is None]
        select.select([woken, *starting], [], [], wait_s)
        with suppress(BlockingIOError):
            while woken.recv(4096):
                pass

    @contextmanager
    def _woken_by_signals(self) -> Iterator[socket.socket]:
        woken, waking = socket.socketpair()
        woken.setblocking(False)
        waking.setblocking(False)
        before_fd = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, self._received) for number in (*_STOPPING, signal.SIGHUP, signal.SIGCHLD)}
        try:
            yield woken
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_fd)
            woken.close()
            waking.close()

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)


def _say_kept(reason: str) -> None:
    log.error("workers_kept", extra={"facts": {"reason": reason}})
