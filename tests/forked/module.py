"""`python -m MODULE` in a process of its own, forked from one that has loaded the program: a start costs a tenth of a second, not two."""

import os
import runpy
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

from tests.forked.program import fork_server

LONGEST_S = 120.0
#: for `pytest`: that a plugin was loaded before it could rewrite its assertions is how it is here
AS_LOADED = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")


class ForkedModule:
    """A running module, with the attributes of `subprocess.Popen` that its tests use; what it says as an error goes where ours goes."""

    def __init__(self, module: str, *words: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: what is set in the environment as it is."""
        read_by_it, written_by_us = Pipe(duplex=False)
        read_by_us, written_by_it = Pipe(duplex=False)
        given = (module, words, str(cwd or Path.cwd()), dict(environ or {}), read_by_it, written_by_it)
        self._process: BaseProcess = fork_server().Process(target=_run, args=given)
        self._process.start()
        self.stdin, self.stdout = _file(written_by_us, "w"), _file(read_by_us, "r")
        for connection in (read_by_it, written_by_us, read_by_us, written_by_it):
            connection.close()

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative where a signal ended it; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def communicate(self) -> str:
        """Say no more, and return what it says until its end. Raises TimeoutError, having killed it."""
        is_late = threading.Event()

        def give_up() -> None:
            is_late.set()
            self.kill()

        self.stdin.close()
        limit = threading.Timer(LONGEST_S, give_up)
        limit.start()
        try:
            with self.stdout:
                said = self.stdout.read()
            self._process.join()
        finally:
            limit.cancel()
        if is_late.is_set():
            raise TimeoutError(f"the module did not end within {LONGEST_S:g} s")
        return said


def _file(connection: Connection, mode: str) -> IO[str]:
    return os.fdopen(os.dup(connection.fileno()), mode, encoding="utf-8")


def _run(module: str, words: Sequence[str], cwd: str, environ: Mapping[str, str], stdin: Connection, stdout: Connection) -> None:
    """Be the module, as `python -m` starts it."""
    for connection, number in ((stdin, 0), (stdout, 1)):
        os.dup2(connection.fileno(), number)
        connection.close()
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8", closefd=False), os.fdopen(1, "w", encoding="utf-8", closefd=False)
    os.environ.update(environ)
    os.chdir(cwd)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
