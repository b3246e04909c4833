"""Runs the MCP conformance suite as a subprocess and reads its checks."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

MODULES = REPOSITORY / "node_modules"
SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
MINIMUM_NODE = 22
TIMEOUT_S = 240


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one scenario. `status`: SUCCESS, FAILURE, WARNING, SKIPPED or INFO."""

    scenario: str
    check_id: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the suite said; `passed` is its own verdict on what it scores."""

    passed: bool
    checks: tuple[Check, ...]
    output: str

    def count(self, status: str) -> int:
        return sum(check.status == status for check in self.checks)


def environment() -> dict[str, str]:
    """Return an environment in which `node` is the newest we have: the one of package.json, or the system's."""
    return {**os.environ, "PATH": f"{MODULES / '.bin'}{os.pathsep}{os.environ['PATH']}"}


def require_suite() -> None:
    """Skip the calling test where Node or the suite is missing."""
    if not SUITE.is_file():
        pytest.skip("the MCP conformance suite is not installed; `make conformance` installs it")
    node = shutil.which("node", path=environment()["PATH"])
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    if not version.startswith("v") or int(version[1:].partition(".")[0]) < MINIMUM_NODE:
        pytest.skip(f"the MCP conformance suite needs Node {MINIMUM_NODE} or newer; `make conformance` installs it")


def run(folder: Path, *arguments: str) -> Report:
    """Run the suite with `arguments` and return its report."""
    out = folder / "conformance"
    process = subprocess.run(
        ["node", str(SUITE), *arguments, "-o", str(out)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=environment(),
        cwd=folder,
        check=False,
    )
    return Report(process.returncode == 0, tuple(read_checks(out)), process.stdout + process.stderr)


def read_checks(out: Path) -> list[Check]:
    """Return every check under `out`; each scenario leaves a folder with a checks.json."""
    checks = []
    for path in sorted(out.rglob("checks.json")):
        for check in json.loads(path.read_text(encoding="utf-8")):
            checks.append(Check(path.parent.name, check["id"], check["status"], str(check.get("errorMessage", ""))))
    return checks
