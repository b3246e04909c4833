"""docs/guides/ai-budgets.md, "What a refused caller sees": at a real gateway, by curl and by OpenAI's SDK."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.flows.models.stand_in import StandIn
from tests.server.demo.listening import listening

STEPS = list(steps_of("ai-budgets.md"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_a_refused_caller_sees_what_the_guide_shows(tmp_path: Path) -> None:
    """A budget of a key, one with a route instead, a limit."""
    with listening(StandIn().app()) as url:
        terminal = Terminal(tmp_path, {"http://127.0.0.1:11434/v1": f"{url}/ollama/v1"})
        file = "".join(step.text for step in STEPS if step.kind == "toml")
        (tmp_path / "ai.toml").write_text(terminal.here(file), encoding="utf-8")
        allowed = {"ASCEND_EGRESS_ALLOW": url.removeprefix("http://")}
        with running_gateway(terminal.data, demo=False, extra=allowed) as gateway:
            terminal.environment["GATEWAY"] = gateway.base_url
            assert ascend_here("tenant", "add", "acme", data_dir=terminal.data).returncode == 0
            for step in [step for step in STEPS if step.kind == "sh"][1:]:
                terminal.follow(step)
            if importlib.util.find_spec("openai") is None:
                pytest.skip("openai's SDK is not installed; run `make install`")
            [script] = [step.text for step in STEPS if step.kind == "python"]
            (tmp_path / "refused.py").write_text(script, encoding="utf-8")
            command = [sys.executable, str(tmp_path / "refused.py")]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=terminal.environment)
            assert done.stdout.strip() == "402 budget_exceeded", done.stderr
