"""docs/guides/ingestion.md, followed in a terminal at a real gateway and two stand-ins."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of

SECRETS = {"GONG_ACCESS_KEY_SECRET": "demo-secret", "SALESFORCE_CLIENT_SECRET": "demo-secret"}


@contextmanager
def stand_in(kind: str, size: int) -> Iterator[str]:
    """Run a stand-in as the page does, at a free port; gives its base URL."""
    program = [sys.executable, "-c", "from server.cli import main; main()", "demo-upstream", "--kind", kind]
    command = [*program, "--port", "0", "--size", str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | SECRETS) as running:
        assert running.stdout is not None
        ready = next(line for line in running.stdout if line.startswith("ready "))
        try:
            yield ready.split()[1].removesuffix("/openapi.json")
        finally:
            running.terminate()


@pytest.mark.time_limit(240)
def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {})
    with ExitStack() as stack:
        for kind, size, said in (("gong", 20, "http://127.0.0.1:8095"), ("salesforce", 5, "http://127.0.0.1:8096")):
            terminal.replaced[said] = stack.enter_context(stand_in(kind, size))
        allowed = ",".join(url.removeprefix("http://") for url in terminal.replaced.values())
        stack.enter_context(running_gateway(terminal.data, demo=False, extra={"ASCEND_EGRESS_ALLOW": allowed}))
        for step in [step for step in steps_of("ingestion.md") if step.kind == "sh"][1:]:
            terminal.follow(step)
