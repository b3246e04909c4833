"""The scripts of docs/guides/connecting.md, run as they are printed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.flows.gateway_process import RunningGateway

GUIDE = (REPOSITORY / "docs" / "guides" / "connecting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
[PYTHON] = [block for kind, block in BLOCKS if kind == "python"]
CURLS = {re.findall(r"MCP-Protocol-Version: (\S+)'", block)[0]: block for _kind, block in BLOCKS if block.startswith("curl")}


@pytest.fixture(scope="module")
def variables(gateway: RunningGateway) -> Mapping[str, str]:
    """What the guide's first block exports, at a gateway whose CRM answers everybody."""
    minted = ascend_here("token", "mint", "--tenant", "default", "--user", gateway.email, data_dir=gateway.data_dir)
    return {**os.environ, "URL": gateway.mcp_url, "TOKEN": minted.stdout.strip()}


def run(command: list[str], variables: Mapping[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(variables))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_with_the_sdk_runs_as_printed(variables: Mapping[str, str], tmp_path: Path) -> None:
    """ "From a script": ten lines are enough for a first call."""
    script = tmp_path / "first.py"
    script.write_text(PYTHON, encoding="utf-8")
    assert "'Annual licence'" in run([sys.executable, str(script)], variables)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize(("version", "found"), [("2026-07-28", "Analytical engine design study"), ("2025-11-25", "Annual licence")])
def test_the_requests_by_hand_run_as_printed(variables: Mapping[str, str], version: str, found: str) -> None:
    """Both eras at one URL."""
    answer = run(["sh", "-c", CURLS[version]], variables)
    assert answer.startswith('{"jsonrpc"')
    assert found in answer
