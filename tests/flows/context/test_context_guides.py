"""docs/guides/context.md and documents.md, followed in a terminal at a real gateway."""

import shutil
from pathlib import Path

import pytest

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")


@pytest.mark.parametrize(("page", "kind", "file"), [("context.md", "json", "kahuna.jsonl"), ("documents.md", "markdown", "lease.md")])
def test_every_command_of_the_guide_prints_what_the_guide_shows(page: str, kind: str, file: str, tmp_path: Path) -> None:
    steps = list(steps_of(page))
    [content] = [step.text for step in steps if step.kind == kind]
    (tmp_path / file).write_text(content, encoding="utf-8")
    terminal = Terminal(tmp_path, {})
    with running_gateway(terminal.data, demo=False) as gateway:
        terminal.replaced["http://127.0.0.1:8080"] = gateway.base_url
        for step in [step for step in steps if step.kind == "sh"][1:]:
            terminal.follow(step)
