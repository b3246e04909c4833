"""What becomes of a roll that meets a start, a death or another roll, with real processes of a supervisor in this one."""

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from server.workers.inherited_sockets import WorkerSockets
from server.workers.lifeline import Lifeline
from server.workers.supervisor import Supervisor
from server.workers.worker_process import Work


class _Told(logging.Handler):
    """Hears what the supervisor says, and calls what is to happen then."""

    def __init__(self, **then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then
        #: processes, in the order of their starts
        self.started: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "worker_started":
            self.started.append(int(cast("dict[str, Any]", record.__dict__["facts"])["process"]))
        if (then := self._then.get(record.getMessage())) is not None:
            then()


@contextmanager
def heard(told: _Told) -> Iterator[None]:
    log = logging.getLogger("ascend")
    level = log.level
    log.addHandler(told)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(told)
        log.setLevel(level)


@pytest.fixture
def sockets() -> Iterator[WorkerSockets]:
    opened = WorkerSockets.opened("127.0.0.1", 0, 2, "--port")
    yield opened
    opened.close()


def run(sockets: WorkerSockets, count: int, works: list[Work], told: _Told, then: signal.Signals) -> None:
    """Run a supervisor until it is told to end. `works`: of its start, and of every roll; `then`: what it is told when all are ready."""
    renewed = iter(works)
    try:
        with heard(told):
            Supervisor(sockets, count, lambda: next(renewed), lambda: os.kill(os.getpid(), then)).run()
    except BaseException:
        for process in told.started:
            os.kill(process, signal.SIGKILL)
        raise


def test_a_worker_that_starts_while_its_settings_become_old_is_ended_and_reaped(sockets: WorkerSockets) -> None:
    def never_ready(_number: int, _lifeline: Lifeline) -> int:
        os.kill(os.getppid(), signal.SIGHUP)
        signal.pause()
        return 0

    told = _Told()
    run(sockets, 1, [never_ready, _waiting], told, signal.SIGTERM)
    first, second = told.started
    assert not _is_there(first), "a zombie, and its end of the line with it"
    assert not _is_there(second)


def test_a_roll_during_a_roll_keeps_what_is_known_to_start(sockets: WorkerSockets, tmp_path: Path) -> None:
    """Settings that cannot start, and a second SIGHUP meanwhile: who died later was started with what never had."""
    starts = tmp_path / "starts"
    starts.touch()

    def began(letter: str) -> None:
        with starts.open("a", encoding="utf-8") as file:
            file.write(letter)
        if len(starts.read_text(encoding="utf-8")) == 4:
            os.kill(os.getppid(), signal.SIGTERM)

    def good(number: int, lifeline: Lifeline) -> int:
        began("a")
        return _waiting(number, lifeline)

    def bad_and_rolled_again(_number: int, _lifeline: Lifeline) -> int:
        began("b")
        os.kill(os.getppid(), signal.SIGHUP)
        signal.pause()
        return 1

    def bad(_number: int, _lifeline: Lifeline) -> int:
        began("c")
        return 1

    told = _Told(workers_kept=lambda: os.kill(told.started[0], signal.SIGKILL))
    run(sockets, 1, [good, bad_and_rolled_again, bad], told, signal.SIGHUP)
    assert starts.read_text(encoding="utf-8") == "abca"


def test_who_is_to_come_next_still_listens_when_the_one_before_dies(sockets: WorkerSockets) -> None:
    hears, says = os.pipe()

    def listening(number: int, lifeline: Lifeline) -> int:
        sockets[number].listen()
        return _waiting(number, lifeline)

    def next_one(number: int, lifeline: Lifeline) -> int:
        if number == 1:
            os.kill(os.getppid(), signal.SIGTERM)
            signal.pause()
        if len(told.started) > 2:
            signal.pause()  # Started in place of the dead one; it would listen anew.
        sockets[number].listen()
        with suppress(ProcessLookupError):
            os.kill(told.started[0], signal.SIGKILL)
        os.read(hears, 1)  # The supervisor has seen that death.
        lifeline.say_ready()
        signal.pause()
        return 0

    told = _Told(worker_died=lambda: _write(says))
    try:
        run(sockets, 2, [listening, next_one], told, signal.SIGHUP)
        assert sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    finally:
        os.close(hears)
        os.close(says)


def _write(pipe: int) -> None:
    os.write(pipe, b".")


def _waiting(_number: int, lifeline: Lifeline) -> int:
    lifeline.say_ready()
    signal.pause()
    return 0


def _is_there(process: int) -> bool:
    """Also one that has ended and that nobody asked how."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
