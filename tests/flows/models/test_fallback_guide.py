"""docs/guides/ai-fallback.md: a provider is away, and each case of the page shows what the page says."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.flows.models.stand_in import TEXT, StandIn
from tests.ports import free_port
from tests.server.demo.listening import listening

STEPS = list(steps_of("ai-fallback.md"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_every_case_of_the_guide_shows_what_the_guide_says(tmp_path: Path) -> None:
    """`first` answers 503 but to streams, `second` and `first-v2` answer."""
    stand_in = StandIn(away={"first"})
    with listening(stand_in.app()) as url:
        terminal = Terminal(tmp_path, {"http://127.0.0.1:9001": url})
        allowed = {"ASCEND_EGRESS_ALLOW": url.removeprefix("http://")}
        with running_gateway(terminal.data, demo=False, extra=allowed) as gateway:
            terminal.environment |= {"GATEWAY": gateway.base_url, "FIRST_KEY": "sk-first", "SECOND_KEY": "sk-second"}
            terminal.run("export GATEWAY_KEY=$(ascend ai key mint first --tenant default)")
            for step in STEPS:
                if step.kind == "toml":
                    (tmp_path / "ai.toml").write_text(terminal.here(step.text), encoding="utf-8")
                elif step.kind == "sh":
                    terminal.follow(step)
                if "for n in" in step.text:
                    # The breaker leaves it alone: what came after the fifth failure never arrived.
                    assert sum(provider == "first" for provider, _, _ in stand_in.asked) == 5


def test_the_script_that_goes_on_without_the_gateway_does(tmp_path: Path) -> None:
    """Nothing listens where the gateway was."""
    if importlib.util.find_spec("openai") is None:
        pytest.skip("openai's SDK is not installed; run `make install`")
    [script] = [step.text for step in STEPS if step.kind == "python"]
    (tmp_path / "way.py").write_text(script, encoding="utf-8")
    with listening(StandIn().app()) as url:
        terminal = Terminal(tmp_path, {})
        away = {"GATEWAY_AWAY": f"http://127.0.0.1:{free_port()}", "GATEWAY_KEY": "k", "PROVIDER": f"{url}/second/v1", "SECOND_KEY": "k"}
        command = [sys.executable, str(tmp_path / "way.py")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=terminal.environment | away)
    assert (done.stdout.strip(), done.returncode) == (TEXT, 0), done.stderr
