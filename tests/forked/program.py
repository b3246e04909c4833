"""`ascend` in a process of its own, forked from one that has loaded the program: a start costs a tenth of a second, not two.

What runs is the same from the first line of `main` on, in a process with its own signals, files and end. What a start is before that,
loading and the interpreter, `tests/flows/test_starting.py` shows with the real program.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache, partial
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from anyio import to_thread

from server.cli import main
from tests.quick_passwords import hash_quickly

#: what `ascend serve` loads, too: the demo, and what the first request or model call would wait for
LOADED = (
    "tests.forked.program",
    "server.cli",
    "server.app",
    "server.commands.serve",
    "server.demo.start",
    "tools.ai_gateway.dialects.pairs",
    "tests.forked.loaded",
)


NOTHING = Path(os.devnull)


class ForkedProgram:
    """A running `ascend`, with the methods of `subprocess.Popen` that its tests use."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], out: Path, err: Path, given: Path = NOTHING) -> None:
        """given: what it reads; `out` and `err`: what it writes."""
        program = str(Path(sys.executable).with_name("ascend"))
        files = [str(given), str(out), str(err)]
        self._process: BaseProcess = fork_server().Process(target=_run, args=([program, *words], dict(environ), files))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, negative where a signal ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises TimeoutError."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"the program did not end within {timeout} s")
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_forked(*words: str, environ: Mapping[str, str], stdin: str = "", timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises TimeoutError, having killed it."""
    with tempfile.TemporaryDirectory() as folder:
        given, out, err = (Path(folder) / name for name in ("given", "out", "err"))
        given.write_text(stdin)
        program = ForkedProgram(words, environ, out, err, given)
        try:
            code = program.wait(timeout_s)
        finally:
            program.kill()
        return subprocess.CompletedProcess(list(words), code, out.read_text(), err.read_text())


async def run_program(*words: str) -> tuple[int, bytes, bytes]:
    """Run a command to its end as `server.assembly.backup_processes.run_program` does."""
    done = await to_thread.run_sync(partial(run_forked, *words, environ=os.environ))
    return done.returncode, done.stdout.encode(), done.stderr.encode()


@cache
def fork_server() -> ForkServerContext:
    """Return what forks: one process for all tests of this one, begun by the first of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def _run(argv: list[str], environ: Mapping[str, str], files: Sequence[str]) -> None:
    """Be the program, as a shell starts it."""
    if files[0].startswith("/dev/pts/"):
        # In a session of its own the terminal of whoever runs the tests cannot be asked.
        os.setsid()
    for number, path in enumerate(files):
        opened = os.open(path, os.O_RDWR if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = argv
    hash_quickly()
    main()
