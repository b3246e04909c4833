"""One child process of ours and the pipes to it, as who began it sees it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from typing import cast

from tools.child_processes.messages import Part, receive, send

#: before a child that nobody asks ends by itself
_LET_GO_S = 5.0
#: within which a process is gone that has closed its output
_END_S = 5.0


class ChildEnded(Exception):
    """A child came to an end before it answered: by a limit of its own, or by what it was given. `code` is negative for a signal."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"ended with code {code}")
        self.code = code


class Child:
    """A process that runs `module`. Its methods block."""

    def __init__(self, module: str, idle_s: float) -> None:
        self._used_at, self._idle_s = time.monotonic(), idle_s
        # None of our variables, which hold secrets; only where to find the code.
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LANG": "C.UTF-8"}
        command = [sys.executable, "-P", "-m", module]
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True, bufsize=1 << 16
        )

    @property
    def is_alive(self) -> bool:
        """Whether it takes work. It ends by itself after its idle time; one that is about to is let go."""
        return self._process.poll() is None and time.monotonic() - self._used_at < self._idle_s - _LET_GO_S

    def used(self) -> None:
        """Note that it did some work just now."""
        self._used_at = time.monotonic()

    def ask(self, parts: Sequence[Part]) -> list[bytes]:
        """Return its answer to one message. Raises ChildEnded."""
        try:
            send(cast(BufferedWriter, self._process.stdin), parts)
            answer = receive(cast(BufferedReader, self._process.stdout))
        except (OSError, ValueError):  # nobody reads; somebody buried it
            answer = None
        if answer is None:
            raise ChildEnded(self._code())
        return answer

    def _code(self) -> int | None:
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the process, whatever it does; whoever waits for it gets ChildEnded. Somebody else is to `bury` it."""
        self._process.kill()

    def bury(self) -> None:
        """Wait until the process is gone: giving its memory back takes a moment."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was still to be written goes nowhere
                pipe.close()
