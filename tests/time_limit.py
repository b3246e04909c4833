"""A limit of time for each test, so that what hangs fails under its own name and the rest of the suite runs on.

The alarm of the operating system interrupts the main thread wherever it waits: in an event loop, for a thread, for a process. What not even
that interrupts, pytest's own `faulthandler_timeout` ends together with its process.
"""

import asyncio
import contextlib
import faulthandler
import gc
import signal
import sys
from collections.abc import Generator, Iterator

import pytest

#: seconds for each of setting up, running and tearing down
LIMIT_S = 120.0
#: the same where a browser or whole processes take part
LIMIT_OF_PROGRAMS_S = 240.0
#: how long after the limit what cleans up may still take, before it is interrupted in its turn
AGAIN_S = 20.0


class TestOverdue(BaseException):
    """A test that took longer than it may; no `Exception`, so that nothing on its way out takes it for a fault that it knows."""

    __test__ = False


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Limit the fixtures."""
    with _limited(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Limit the test itself."""
    with _limited(item, "call"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Limit what the fixtures clear away."""
    with _limited(item, "teardown"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report without the garbage collector: a collected task tells of its exception, which parses source as a report does.

    CPython 3.11 ends in a `SystemError` where the one happens inside the other.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def limit_s_of(item: pytest.Item) -> float:
    """The seconds that each phase of a test has: by its mark `time_limit`, or else by what takes part."""
    mark = item.get_closest_marker("time_limit")
    if mark is not None:
        return float(mark.args[0])
    programs = hasattr(getattr(item, "module", None), "CHROMIUM") or not {"flows", "conformance"}.isdisjoint(item.path.parts)
    return LIMIT_OF_PROGRAMS_S if programs else LIMIT_S


@contextlib.contextmanager
def _limited(item: pytest.Item, phase: str) -> Iterator[None]:
    limit_s = limit_s_of(item)

    def overdue(_signal: int, _frame: object) -> None:
        _tell_where()
        raise TestOverdue(f"{item.nodeid}: {phase} took longer than {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _tell_where() -> None:
    """Write to the captured standard error what each thread and each task of the running loop waits for."""
    sys.stderr.flush()
    faulthandler.dump_traceback(file=2, all_threads=True)
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return  # no event loop runs
    for task in tasks:
        sys.stderr.write(f"Task {task.get_name()} waits at\n")
        for frame in task.get_stack():
            sys.stderr.write(f'  File "{frame.f_code.co_filename}", line {frame.f_lineno} in {frame.f_code.co_name}\n')
