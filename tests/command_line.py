"""`ascend` in the process of the test: a second less for each command than in one of its own, and the same words, output and code."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server.cli import main
from tests.empty_store import put_data_directory
from tests.log_as_before import log_as_before


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, named as `subprocess` names it."""

    returncode: int
    stdout: str
    stderr: str


def ascend_here(
    *words: str, data_dir: Path, stdin: str = "", environ: Mapping[str, str] | None = None, is_first_start: bool = False
) -> Said:
    """Run one command to its end. Not for async tests: a command has an event loop of its own.

    `is_first_start`: on nothing, or on what is there, rather than on what a first start left.
    """
    if not is_first_start:
        put_data_directory(data_dir)
    umask = os.umask(0o022)
    with (
        log_as_before(),
        pytest.MonkeyPatch.context() as patched,
        CliRunner().isolation(input=stdin, env=environ) as (out, err, _both),
    ):
        patched.setattr(sys, "argv", ["ascend", *words, "--data", str(data_dir)])
        # click names the program after the module that was started, which is pytest here.
        patched.setattr(sys.modules["__main__"], "__package__", None, raising=False)
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            os.umask(umask)
        return Said(int(code or 0), out.getvalue().decode(), err.getvalue().decode())


def answered(said: Said) -> Any:
    """Return what a command that succeeded said as JSON."""
    assert said.returncode == 0, said
    return json.loads(said.stdout)
