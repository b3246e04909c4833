"""One `ascend` command inside this process: the same `main`, without the second that a new interpreter takes to start."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from click.testing import CliRunner

from server.cli import main


def ascend_here(
    *arguments: str, data_dir: Path, stdin: str | None = None, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; an exception that `main` lets through fails the calling test.

    Tests about the process itself (its start, its end, file modes) use `gateway_process.ascend`.
    """
    command = ["ascend", *arguments, "--data", str(data_dir)]
    # What `main` changes of the process is put back: the variable that it sets for numpy, and the mask of new files.
    variables = {"OPENBLAS_NUM_THREADS": "1", "ASCEND_RATE_LIMIT_SCALE": "1000", **(extra or {})}
    words, umask = sys.argv, os.umask(0o077)
    try:
        with CliRunner().isolation(stdin, variables) as (out, err, _both), ThreadPoolExecutor(1) as thread:
            sys.argv = command
            # A thread of its own: the caller may be on an event loop, and the command runs one.
            code = thread.submit(_exit_code).result()
            sys.stdout.flush()
            sys.stderr.flush()
            said, complained = out.getvalue().decode(), err.getvalue().decode()
    finally:
        sys.argv = words
        os.umask(umask)
    return subprocess.CompletedProcess(command, code, said, complained)


def _exit_code() -> int:
    try:
        main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    raise AssertionError("`main` ends with an exit code")
