"""The guides of workflows and of stored plans, followed in a terminal at a real gateway."""

import shutil
from pathlib import Path

import pytest

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")


@pytest.mark.parametrize("guide", ["workflows.md", "stored-plans.md"])
def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path, guide: str) -> None:
    steps = list(steps_of(guide))
    for step in steps:
        if step.kind == "yaml":
            name = step.text.splitlines()[0].removeprefix("workflow: ")
            (tmp_path / f"{name}.yaml").write_text(step.text, encoding="utf-8")
    terminal = Terminal(tmp_path, {})
    with running_gateway(terminal.data, demo=False) as gateway:
        terminal.replaced["http://127.0.0.1:8080"] = gateway.base_url
        for step in [step for step in steps if step.kind == "sh"][1:]:
            terminal.follow(step)
